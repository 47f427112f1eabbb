import Foundation
import Testing

@testable import LevitMobileKit

/// Compiled models are kept at paths that stay. Core ML itself is not here: the compiler is a folder with one file.
@Suite struct CompiledModelsTests {
    private let root: URL
    private let models: CompiledModels

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString, isDirectory: true)
        models = CompiledModels(root: root.appendingPathComponent("compiled"), build: "23A341")
    }

    /// What `MLModel.compileModel` does: a folder in a temporary place.
    private func compiled(_ text: String) throws -> URL {
        let folder = root.appendingPathComponent("temporary-\(UUID().uuidString)/any.mlmodelc", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: folder.appendingPathComponent("model.mil"))
        return folder
    }

    private func names() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: models.root.path)) ?? []).sorted()
    }

    @Test func aModelIsCompiledOnceAndStaysAtItsPath() async throws {
        let first = try await models.model(sha256: "abc") { try compiled("first") }
        let second = try await models.model(sha256: "abc") { throw CocoaError(.fileNoSuchFile) }
        #expect(first.place == second.place)
        #expect(first.place.path.hasSuffix("compiled/abc-23A341/model.mlmodelc"))
        #expect((first.compileMs ?? -1) >= 0)
        #expect(second.compileMs == nil)
        let text = try String(contentsOf: first.place.appendingPathComponent("model.mil"), encoding: .utf8)
        #expect(text == "first")
    }

    @Test func aNewBuildOfTheSystemCompilesAnewAndRemovesWhatOlderOnesLeft() async throws {
        _ = try await models.model(sha256: "abc") { try compiled("old") }
        _ = try await models.model(sha256: "def") { try compiled("other") }
        let updated = CompiledModels(root: models.root, build: "23B85")
        let model = try await updated.model(sha256: "abc") { try compiled("new") }
        #expect(model.compileMs != nil)
        #expect(names() == ["abc-23B85"])
    }

    @Test func anotherArtifactOfTheSameBuildIsKept() async throws {
        _ = try await models.model(sha256: "abc") { try compiled("one") }
        _ = try await models.model(sha256: "def") { try compiled("two") }
        #expect(names() == ["abc-23A341", "def-23A341"])
    }

    @Test func aCompilationThatFailsLeavesNothing() async throws {
        await #expect(throws: CocoaError.self) {
            _ = try await models.model(sha256: "abc") { throw CocoaError(.fileReadCorruptFile) }
        }
        #expect(names() == [])
    }

    @Test func whatAKilledProcessLeftIsRemoved() async throws {
        let half = models.root.appendingPathComponent("abc-23A341", isDirectory: true)
        let part = models.root.appendingPathComponent(".part-1", isDirectory: true)
        for folder in [half, part] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        let model = try await models.model(sha256: "abc") { try compiled("whole") }
        #expect(names() == ["abc-23A341"])
        #expect(FileManager.default.fileExists(atPath: model.place.appendingPathComponent("model.mil").path))
    }

    @Test func theModelOfAFasterProcessStays() async throws {
        let model = try await models.model(sha256: "abc") {
            _ = try await models.model(sha256: "abc") { try compiled("faster") }
            return try compiled("slower")
        }
        let text = try String(contentsOf: model.place.appendingPathComponent("model.mil"), encoding: .utf8)
        #expect(text == "faster")
        #expect(names() == ["abc-23A341"])
    }

    @Test func aRefusedModelIsCompiledAnew() async throws {
        _ = try await models.model(sha256: "abc") { try compiled("refused") }
        models.remove(sha256: "abc")
        let again = try await models.model(sha256: "abc") { try compiled("again") }
        #expect(again.compileMs != nil)
    }
}

@Suite struct PlannedShareTests {
    @Test func sharesAreOfTheWholeCost() {
        let plan = PlannedShare(costs: [(.neuralEngine, 0.6), (.cpu, 0.1), (.neuralEngine, 0.1)])
        #expect(abs((plan.shares[.neuralEngine] ?? 0) - 0.875) < 1e-12)
        #expect(plan.sentence == "planned share by estimated cost: Neural Engine 88%, CPU 13%")
    }

    @Test func withoutCostsNothingIsPlanned() {
        #expect(PlannedShare(costs: []).sentence == nil)
        #expect(PlannedShare(costs: [(.cpu, 0)]).sentence == nil)
    }
}

@Suite struct ChipTests {
    @Test(arguments: [
        ("iPhone16,1", "A17 Pro"), ("iPhone14,8", "A15 Bionic"), ("iPhone99,9", "unknown"), ("", "unknown"),
    ])
    func aModelHasItsChip(model: String, chip: String) {
        #expect(Chip.name(of: model) == chip)
    }
}
