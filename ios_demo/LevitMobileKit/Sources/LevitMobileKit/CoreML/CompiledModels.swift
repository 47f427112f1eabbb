import Foundation

/// Compiled Core ML models as files.
///
/// Core ML compiles a package into a temporary folder. The Neural Engine keeps what it made of a model under the model's
/// path, so a compiled model is moved to a path that stays: the artifact's digest and the system's build name it. A new
/// build of the system compiles anew, and what older builds left is removed.
struct CompiledModels: Sendable {
    /// A compiled model.
    struct Model: Sendable {
        /// Folder `model.mlmodelc`.
        let place: URL
        /// Milliseconds that the compilation took just now; nil if the model was there.
        let compileMs: Double?
    }

    /// Folder of all compiled models, such as one in Application Support.
    let root: URL
    /// Build of the system, such as `23A341`.
    let build: String

    private static let file = "model.mlmodelc"
    private static let partial = ".part-"

    /// The compiled model of an artifact, which is compiled if it is not there.
    ///
    /// - Parameters:
    ///   - sha256: Digest of the artifact.
    ///   - compile: Returns a folder that this function may move away.
    /// - Throws: What `compile` and the file system report.
    func model(
        sha256: String, isolation: isolated (any Actor)? = #isolation, compile: () async throws -> URL
    ) async throws -> Model {
        let folder = root.appendingPathComponent("\(sha256)-\(build)", isDirectory: true)
        let place = folder.appendingPathComponent(Self.file, isDirectory: true)
        if exists(place) { return Model(place: place, compileMs: nil) }
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        removeOthers(of: sha256)
        let start = ContinuousClock.now
        let made = try await compile()
        let compileMs = milliseconds(since: start)
        try move(made, to: folder)
        return Model(place: place, compileMs: compileMs)
    }

    /// Removes a compiled model that Core ML refuses, so that the next `model` compiles it anew.
    func remove(sha256: String) {
        try? FileManager.default.removeItem(at: root.appendingPathComponent("\(sha256)-\(build)"))
    }

    /// The folder appears complete or not at all. Where another process was faster, its model stays.
    private func move(_ made: URL, to folder: URL) throws {
        let manager = FileManager.default
        let part = root.appendingPathComponent(Self.partial + UUID().uuidString, isDirectory: true)
        defer { try? manager.removeItem(at: part) }
        try manager.createDirectory(at: part, withIntermediateDirectories: false)
        try manager.moveItem(at: made, to: part.appendingPathComponent(Self.file))
        do {
            try manager.moveItem(at: part, to: folder)
        } catch {
            if !exists(folder.appendingPathComponent(Self.file)) { throw error }
        }
    }

    private func removeOthers(of sha256: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        let isOld = { (name: String) in name.hasPrefix(Self.partial) || !name.hasSuffix("-\(build)") }
        for name in names where isOld(name) || name == "\(sha256)-\(build)" {
            try? FileManager.default.removeItem(at: root.appendingPathComponent(name))
        }
    }

    private func exists(_ place: URL) -> Bool {
        FileManager.default.fileExists(atPath: place.path)
    }
}

/// Time in ms since a moment.
func milliseconds(since start: ContinuousClock.Instant) -> Double {
    (ContinuousClock.now - start) / .milliseconds(1)
}
