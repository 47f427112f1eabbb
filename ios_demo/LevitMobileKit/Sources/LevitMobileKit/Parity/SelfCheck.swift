/// One golden image of a bundle.
public struct GoldenImage: Sendable, Equatable {
    /// Name of the image.
    public let name: String
    /// RGB bytes [height,width,3], prepared already.
    public let pixels: [UInt8]
    /// The trained model's logits, one per class.
    public let logits: [Float]

    public init(name: String, pixels: [UInt8], logits: [Float]) {
        (self.name, self.pixels, self.logits) = (name, pixels, logits)
    }
}

/// Thrown by a runner where the device lacks what the run needs; the artifact may be sound.
public struct NotAvailableError: Error, Equatable, CustomStringConvertible {
    /// What is lacking, in one sentence.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// The figures of a comparison, in the units of `Metrics`.
public struct Figures: Sendable, Equatable {
    public let maxAbsError: Double
    public let meanAbsError: Double
    public let sqnrDB: Double
    /// The SQNR for which the bound holds: of centred logits where softmax makes the probabilities.
    public let judgedSQNRdB: Double
    public let cosine: Double
    public let kl: Double
    public let top1Agreement: Double
    public let top5Agreement: Double
}

/// Whether an artifact computes on this device what the trained model computes.
public struct CheckResult: Sendable, Equatable {
    /// Proven, broken or not run.
    public let verdict: Verdict
    /// Why it is not proven, one sentence each.
    public let reasons: [String]
    /// Number of golden images compared.
    public let images: Int
    /// The figures behind the verdict; nil if nothing could be compared.
    public let figures: Figures?

    /// Whether times of the artifact may be taken.
    public var mayBeTimed: Bool { verdict == .proven }

    /// The same for a timing record.
    public func parity(against: String) -> Parity {
        var parity = Parity(verdict: verdict)
        parity.reasons = reasons
        parity.against = against
        parity.pictures = images
        parity.maxAbsError = figures?.maxAbsError
        parity.sqnrDB = figures.flatMap { $0.sqnrDB.isFinite ? $0.sqnrDB : nil }
        parity.top1Agreement = figures?.top1Agreement
        return parity
    }
}

/// Compares an artifact's logits for golden images with the trained model's, under the contract's tolerance.
public enum SelfCheck {
    /// Runs all golden images and judges the logits.
    ///
    /// - Parameter infer: Takes an image's pixels and returns its logits. `NotAvailableError` makes the verdict
    ///   `not run`, any other error `broken`; a cancellation is passed on.
    /// - Throws: `CancellationError`.
    public static func run(
        _ golden: [GoldenImage], _ tolerance: Tolerance, _ head: Head, isolation: isolated (any Actor)? = #isolation,
        infer: ([UInt8]) async throws -> [Float]
    ) async throws -> CheckResult {
        if golden.isEmpty { return failed(.notRun, "the bundle holds no golden images") }
        do {
            var logits: [[Float]] = []
            for image in golden {
                try Task.checkCancellation()
                logits.append(try await infer(image.pixels))
            }
            return judge(golden.map(\.logits), logits, tolerance, head)
        } catch let error as CancellationError {
            throw error
        } catch let error as NotAvailableError {
            return failed(.notRun, error.description)
        } catch {
            return failed(.broken, "the artifact could not run: \(error)")
        }
    }

    /// Judges logits, one array per image, in the order of the reference's.
    public static func judge(
        _ reference: [[Float]], _ candidate: [[Float]], _ tolerance: Tolerance, _ head: Head
    ) -> CheckResult {
        let images = reference.count
        if let defect = defect(reference, candidate) {
            return CheckResult(verdict: .broken, reasons: [defect], images: images, figures: nil)
        }
        do {
            let figures = try figures(reference, candidate, head)
            let reasons = brokenBounds(figures, tolerance, images)
            return CheckResult(
                verdict: reasons.isEmpty ? .proven : .broken, reasons: reasons, images: images, figures: figures)
        } catch {
            return CheckResult(verdict: .broken, reasons: ["\(error)"], images: images, figures: nil)
        }
    }

    private static func failed(_ verdict: Verdict, _ reason: String) -> CheckResult {
        CheckResult(verdict: verdict, reasons: [reason], images: 0, figures: nil)
    }

    private static func defect(_ reference: [[Float]], _ candidate: [[Float]]) -> String? {
        let (expected, found) = (reference.map(\.count), candidate.map(\.count))
        if found != expected { return "the artifact gave logits of sizes \(found), expected \(expected)" }
        let bad = candidate.filter { !$0.allSatisfy(\.isFinite) }.count
        return bad > 0 ? "the artifact gave NaN or infinite logits on \(bad) of \(candidate.count) images" : nil
    }

    private static func figures(_ reference: [[Float]], _ candidate: [[Float]], _ head: Head) throws -> Figures {
        let sqnrDB = try Metrics.sqnrDB(reference, candidate)
        let isCentred = head == .softmax && reference[0].count > 1
        return try Figures(
            maxAbsError: Metrics.maxAbsError(reference, candidate),
            meanAbsError: Metrics.meanAbsError(reference, candidate),
            sqnrDB: sqnrDB,
            judgedSQNRdB: isCentred ? Metrics.centredSQNRdB(reference, candidate) : sqnrDB,
            cosine: Metrics.cosine(reference, candidate),
            kl: Metrics.kl(reference, candidate),
            top1Agreement: Metrics.topKAgreement(reference, candidate, k: 1),
            top5Agreement: Metrics.topKAgreement(reference, candidate, k: 5)
        )
    }

    /// One sentence per bound that does not hold, in the order and the words of `levit-mobile validate`.
    private static func brokenBounds(_ found: Figures, _ bounds: Tolerance, _ images: Int) -> [String] {
        [
            least(found.judgedSQNRdB, bounds.minSQNRdB) { value, bound in
                "SQNR is \(fixed(value, 1)) dB, expected at least \(short(bound)) dB"
            },
            least(found.top1Agreement, bounds.minTop1Agreement) { value, bound in
                "top-1 agrees on \(percent(value)) of \(images) images, expected at least \(percent(bound))"
            },
            least(found.top5Agreement, bounds.minTop5Agreement) { value, bound in
                "the reference's top class is among the artifact's top 5 on \(percent(value)) of \(images) images, "
                    + "expected at least \(percent(bound))"
            },
            least(found.cosine, bounds.minCosine) { value, bound in
                "cosine is \(fixed(value, 6)), expected at least \(short(bound))"
            },
            most("max abs error", found.maxAbsError, bounds.maxAbsError, "logits"),
            most("mean abs error", found.meanAbsError, bounds.maxMeanAbsError, "logits"),
            most("KL", found.kl, bounds.maxKL, "nats"),
        ].compactMap { $0 }
    }

    /// The comparison is written so that NaN breaks the bound.
    private static func least(_ found: Double, _ bound: Double?, _ sentence: (Double, Double) -> String) -> String? {
        guard let bound, !(found >= bound) else { return nil }
        return sentence(found, bound)
    }

    private static func most(_ name: String, _ found: Double, _ bound: Double?, _ unit: String) -> String? {
        guard let bound, !(found <= bound) else { return nil }
        return "\(name) is \(scientific(found, 2)) \(unit), expected at most \(short(bound))"
    }

    private static func percent(_ share: Double) -> String {
        fixed(100 * share, 2) + "%"
    }
}
