import Foundation
import Testing

@testable import LevitMobileKit

@Suite("BundleStore and BundleIndex")
struct StoreTests {
    private let folder: TemporaryFolder
    private let root: URL
    private let store: BundleStore

    init() throws {
        folder = try TemporaryFolder()
        root = folder.url.appendingPathComponent("bundles")
        store = BundleStore(root)
        try write("contract.json", Data("{}".utf8))
        try write("golden/a.rgb8", Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0) }))
    }

    @Test("A bundle is copied once")
    func once() async throws {
        let bundle = try indexed()
        let first = try await store.install(bundle, source: source)
        let copied = try Data(contentsOf: first.appendingPathComponent("golden/a.rgb8"))
        #expect(try copied == Data(contentsOf: source("golden/a.rgb8")))
        let again = try await store.install(bundle) { _ in throw CocoaError(.fileReadUnknown) }
        #expect(again == first)
        #expect(await store.find(bundle) == first)
        #expect(await store.installed() == [first])
        try await store.verify(bundle)
    }

    @Test("A changed bundle replaces the old one, and a neighbour stays")
    func changed() async throws {
        let neighbour = try await store.install(indexed("one@two"), source: source)
        let old = try await store.install(indexed(), source: source)
        try write("contract.json", Data("{ }".utf8))
        let new = try await store.install(indexed(), source: source)
        #expect(await store.installed() == [new, neighbour].sorted { $0.path < $1.path })
        #expect(!FileManager.default.fileExists(atPath: old.path))
    }

    @Test("A former version that a killed process left behind is removed")
    func former() async throws {
        let current = try await store.install(indexed(), source: source)
        for name in ["one@000000000000", "other@000000000000"] {
            try FileManager.default.createDirectory(
                at: root.appendingPathComponent(name), withIntermediateDirectories: true)
        }
        try await store.install(indexed(), source: source)
        let names = await store.installed().map(\.lastPathComponent)
        #expect(names == [current.lastPathComponent, "other@000000000000"])
    }

    @Test("A copy that ends early is never seen and removed later")
    func cut() async throws {
        let bundle = try indexed()
        try write("golden/a.rgb8", Data(count: 100))
        let expected = StoreError.damaged("golden/a.rgb8 has 100 bytes, expected 70000")
        await #expect(throws: expected) { try await store.install(bundle, source: source) }
        #expect(try names() == [])
        let left = root.appendingPathComponent(".part-one@0123")
        try FileManager.default.createDirectory(at: left, withIntermediateDirectories: true)
        #expect(await store.installed() == [])
        try await store.install(indexed(), source: source)
        #expect(!FileManager.default.fileExists(atPath: left.path))
    }

    @Test("A file of another content is refused")
    func other() async throws {
        let bundle = try indexed()
        try write("contract.json", Data("[]".utf8))
        let found = await error { try await store.install(bundle, source: source) }
        #expect("\(found)".hasPrefix("contract.json has digest "))
        #expect(await store.find(bundle) == nil)
    }

    @Test("A full disk is named, before the copy and during it")
    func full() async throws {
        let bundle = try indexed()
        await #expect(throws: StoreError.diskFull(neededBytes: 70_002)) {
            try await BundleStore(root, freeBytes: { _ in 1000 }).install(bundle, source: source)
        }
        let free = Room(Int.max / 2)
        let filling = BundleStore(root, freeBytes: { _ in free.bytes })
        await #expect(throws: StoreError.diskFull(neededBytes: 70_002)) {
            try await filling.install(bundle) { _ in
                free.bytes = 0
                throw CocoaError(.fileWriteOutOfSpace)
            }
        }
        await #expect(throws: CocoaError.self) {
            try await store.install(bundle) { _ in throw CocoaError(.fileReadNoPermission) }
        }
        #expect(try names() == [])
    }

    @Test("A file that changed after the copy is found, and the bundle can be copied anew")
    func verified() async throws {
        let bundle = try indexed()
        let installed = try await store.install(bundle, source: source)
        try Data("{x".utf8).write(to: installed.appendingPathComponent("contract.json"))
        await #expect(throws: StoreError.self) { try await store.verify(bundle) }
        try await store.remove(bundle)
        #expect(await store.find(bundle) == nil)
        try await store.install(bundle, source: source)
        try await store.verify(bundle)
        try FileManager.default.removeItem(at: installed.appendingPathComponent("contract.json"))
        await #expect(throws: StoreError.damaged("one: contract.json is missing")) { try await store.verify(bundle) }
    }

    @Test("An accepted index survives reading and writing", arguments: TestData.vectors("indexes.json", "accepted"))
    func index(vector: Vector) throws {
        let text = try TestData.text(vector.text("file"))
        let written = try BundleIndex.read(text).write()
        #expect(try JSONValue(parsing: written) == JSONValue(parsing: text))
    }

    @Test("A damaged index is refused", arguments: TestData.vectors("indexes.json", "refused"))
    func damagedIndex(vector: Vector) throws {
        let text = try vector["content"].text()
        #expect(throws: FormatError.self) { try BundleIndex.read(text) }
    }

    @Test("The reader of indexes accepts what the schema accepts, field by field")
    func schema() throws {
        let complete = try TestData.json("indexes/complete.json")
        let schema = try TestData.schema("bundle-index")
        try SchemaCheck(schema: schema, complete: complete) { _ = try BundleIndex.read($0) }.run()
    }

    @Test("A path that leaves its folder is refused", arguments: ["../x", "/etc/passwd", "a//b", "a/../../b", "", "."])
    func paths(path: String) {
        let digest = String(repeating: "0", count: 64)
        #expect(throws: FormatError.self) { try IndexedFile(path, bytes: 1, sha256: digest) }
    }

    private func source(_ path: String) throws -> URL {
        folder.url.appendingPathComponent("app/\(path)")
    }

    private func write(_ path: String, _ content: Data) throws {
        let file = try source(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try content.write(to: file)
    }

    private func indexed(_ name: String = "one") throws -> IndexedBundle {
        try IndexedBundle(
            name,
            ["contract.json", "golden/a.rgb8"].map { path in
                let content = try Data(contentsOf: source(path))
                return try IndexedFile(path, bytes: content.count, sha256: SHA256Digest.of(content))
            })
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.path)
    }

    private func error(_ body: () async throws -> some Any) async -> any Error {
        do {
            _ = try await body()
            return CancellationError()
        } catch {
            return error
        }
    }
}

/// Room on a disk that changes during a copy.
private final class Room: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Int

    init(_ bytes: Int) { value = bytes }

    var bytes: Int {
        get { lock.withLock { value } }
        set { lock.withLock { value = newValue } }
    }
}
