import Testing

@testable import LevitMobileKit

@Suite("Metrics and SelfCheck")
struct ParityTests {
    static let vectors = TestData.vectors("parity.json")
    static let comparable = vectors.filter { $0["figures"] != .null }

    @Test("The figures are Python's", arguments: comparable)
    func figures(vector: Vector) throws {
        let (reference, candidate) = (try logits(vector, "reference"), try logits(vector, "candidate"))
        let found = [
            "max_abs_error": try Metrics.maxAbsError(reference, candidate),
            "mean_abs_error": try Metrics.meanAbsError(reference, candidate),
            "sqnr_db": try Metrics.sqnrDB(reference, candidate),
            "centred_sqnr_db": try Metrics.centredSQNRdB(reference, candidate),
            "cosine": try Metrics.cosine(reference, candidate),
            "kl": try Metrics.kl(reference, candidate),
            "top1_agreement": try Metrics.topKAgreement(reference, candidate, k: 1),
            "top5_agreement": try Metrics.topKAgreement(reference, candidate, k: 5),
        ]
        let expected = try vector.fields("figures")
        #expect(Set(expected.keys) == Set(found.keys))
        for (name, value) in expected {
            let (wanted, given) = (try #require(value.double), try #require(found[name]))
            let isClose = wanted == given || abs(wanted - given) <= 1e-9 * max(abs(wanted), 1e-6)
            #expect(isClose, "\(name) is \(given), expected \(wanted)")
        }
    }

    @Test("The verdict and its sentences are Python's", arguments: vectors)
    func verdict(vector: Vector) throws {
        let tolerance = try Tolerance(json: vector["tolerance"], at: "tolerance")
        let head = try Head(json: vector["head"], at: "head")
        let result = SelfCheck.judge(
            try logits(vector, "reference"), try logits(vector, "candidate"), tolerance, head)
        #expect(try result.verdict.rawValue == vector.text("verdict"))
        let expected = try #require(vector["reasons"].items).compactMap(\.string)
        #expect(result.reasons == (result.figures == nil ? Array(expected.prefix(1)) : expected))
        #expect(result.mayBeTimed == (result.verdict == .proven))
    }

    @Test("A runner gets every golden image's pixels")
    func pixels() async throws {
        let golden = [1, 2, 3].map { GoldenImage(name: "image\($0)", pixels: [UInt8($0)], logits: [Float($0), 0.5]) }
        var seen: [UInt8] = []
        let result = try await SelfCheck.run(golden, bounds(), .softmax) { pixels in
            seen += pixels
            return [Float(pixels[0]), 0.5]
        }
        #expect(seen == [1, 2, 3])
        #expect(result.verdict == .proven && result.reasons.isEmpty && result.images == 3)
        #expect(result.figures?.sqnrDB == .infinity)
        #expect(result.parity(against: "golden").sqnrDB == nil)
        #expect(result.parity(against: "golden").pictures == 3)
    }

    @Test("What could not run is not proven")
    func notRun() async throws {
        let golden = [GoldenImage(name: "image", pixels: [0, 0, 0], logits: [1, 1])]
        let none = try await SelfCheck.run([], bounds(), .softmax) { _ in [0, 0] }
        #expect((none.verdict, none.reasons) == (.notRun, ["the bundle holds no golden images"]))
        let lacking = "this phone has no Neural Engine"
        let missing = try await SelfCheck.run(golden, bounds(), .softmax) { _ in throw NotAvailableError(lacking) }
        #expect((missing.verdict, missing.reasons) == (.notRun, [lacking]))
        let broken = try await SelfCheck.run(golden, bounds(), .softmax) { _ in throw ImageError("code 504") }
        #expect((broken.verdict, broken.reasons) == (.broken, ["the artifact could not run: code 504"]))
        let short = try await SelfCheck.run(golden, bounds(), .softmax) { _ in [0] }
        #expect(short.reasons == ["the artifact gave logits of sizes [1], expected [2]"])
        for result in [none, missing, broken, short] { #expect(!result.mayBeTimed) }
        await #expect(throws: CancellationError.self) {
            try await SelfCheck.run(golden, bounds(), .softmax) { _ in throw CancellationError() }
        }
    }

    @Test("Metrics refuse what cannot be compared")
    func refused() {
        let one: [[Float]] = [[1, 2]]
        #expect(throws: MetricsError.self) { try Metrics.sqnrDB(one, [[1]]) }
        #expect(throws: MetricsError.self) { try Metrics.sqnrDB(one, one + one) }
        #expect(throws: MetricsError.self) { try Metrics.kl(one, [[1, .nan]]) }
        #expect(throws: MetricsError.self) { try Metrics.maxAbsError([], []) }
        #expect(throws: MetricsError.self) { try Metrics.topKAgreement(one, one, k: 0) }
    }

    @Test("Among equal logits the lower class is first")
    func ties() {
        #expect(Metrics.topClasses([0, 2, -1, 2], k: 3) == [1, 3, 0])
        #expect(Metrics.topClasses([0, 0, 0, 0], k: 9) == [0, 1, 2, 3])
        #expect(Metrics.softmax([100, 100]) == [0.5, 0.5])
    }

    private func bounds() throws -> Tolerance {
        try Tolerance(json: .object(["min_sqnr_db": .integer(60), "min_top1_agreement": .integer(1)]), at: "tolerance")
    }

    private func logits(_ vector: Vector, _ name: String) throws -> [[Float]] {
        let classes = try vector.int("classes")
        let values = try #require(vector[name].items).map { Float(try #require($0.double)) }
        return stride(from: 0, to: values.count, by: classes).map { Array(values[$0..<$0 + classes]) }
    }
}
