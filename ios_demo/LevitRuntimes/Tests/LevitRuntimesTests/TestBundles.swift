import Foundation
import LevitMobileKit

/// The bundles that `android_demo/tools/write_bundles.py` makes: every recipe of the trained model, and Python's logits of
/// 64 digits. The environment variable `LEVIT_BUNDLES` names their folder.
enum TestBundles {
    static let liteRT = "levit_128s-tflite-fp32"
    static let execuTorch = "levit_128s-executorch-fp32"
    static let both = [liteRT, execuTorch]

    /// Folder of the bundles; nil where none were made.
    static let root = ProcessInfo.processInfo.environment["LEVIT_BUNDLES"].map { URL(fileURLWithPath: $0) }

    /// Whether they can run here: elsewhere than on Linux there is no LiteRT.
    static let exist: Bool = {
        #if os(Linux)
            root != nil
        #else
            false
        #endif
    }()

    /// Names of all bundles.
    static let names: [String] = {
        let found = root.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) } ?? []
        return found.sorted()
    }()

    static func folder(_ name: String) throws -> URL {
        guard let root else { throw InferenceError("LEVIT_BUNDLES names no folder") }
        return root.appendingPathComponent(name)
    }

    static func open(_ name: String) throws -> LevitBundle {
        try LevitBundle(opening: folder(name))
    }

    /// 64 held-out digits, RGB bytes [256,256,3] each.
    static func digits() throws -> [[UInt8]] { try pieces("digits.rgb8", 256 * 256 * 3) }

    /// The same as Python prepares them, RGB bytes [224,224,3] each.
    static func prepared() throws -> [[UInt8]] { try pieces("prepared.rgb8", 224 * 224 * 3) }

    /// What Python's runner of the same artifact makes of `prepared`.
    static func expected(_ name: String) throws -> [[Float]] {
        let classes = 10
        return try pieces("expected/\(name).f32", 4 * classes).map { bytes in
            bytes.withUnsafeBytes { memory in
                (0..<classes).map { memory.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
        }
    }

    private static func pieces(_ path: String, _ size: Int) throws -> [[UInt8]] {
        let all = [UInt8](try Data(contentsOf: folder("..").appendingPathComponent(path)))
        return stride(from: 0, to: all.count, by: size).map { Array(all[$0..<$0 + size]) }
    }
}

/// A copy of a bundle, which is removed with its owner.
final class CopiedBundle {
    let folder: URL

    /// - Parameter change: Changes the fields of `contract.json`.
    init(_ name: String, change: (inout [String: Any]) throws -> Void = { _ in }) throws {
        let top = FileManager.default.temporaryDirectory.appendingPathComponent("levit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: top, withIntermediateDirectories: true)
        folder = top.appendingPathComponent(name)
        try FileManager.default.copyItem(at: TestBundles.folder(name), to: folder)
        let file = folder.appendingPathComponent("contract.json")
        let read = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        var fields = read as? [String: Any] ?? [:]
        try change(&fields)
        try JSONSerialization.data(withJSONObject: fields).write(to: file)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder.deletingLastPathComponent())
    }

    var artifact: URL {
        get throws { try LevitBundle(opening: folder).artifact }
    }
}

/// Changes fields of one part of a contract.
func part(_ name: String, _ values: [String: Any]) -> (inout [String: Any]) -> Void {
    { fields in
        let old = fields[name] as? [String: Any] ?? [:]
        fields[name] = old.merging(values) { $1 }
    }
}
