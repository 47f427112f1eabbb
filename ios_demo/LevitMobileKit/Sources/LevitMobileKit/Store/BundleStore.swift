import Foundation

/// Bundles as files: each is copied once, checked by its digests, and appears only when it is complete.
///
/// A copy is made beside its place under a name that `installed` does not list, and renamed at the end. An interrupted
/// copy is removed by the next `install`.
public actor BundleStore {
    private let root: URL
    private let freeBytes: @Sendable (URL) -> Int

    private static let partial = ".part-"
    private static let digits = 12
    private static let margin = 1 << 20

    /// - Parameters:
    ///   - root: Folder of the bundles, such as one in Application Support.
    ///   - freeBytes: Room on a folder's storage, in bytes.
    public init(_ root: URL, freeBytes: @escaping @Sendable (URL) -> Int = BundleStore.systemFreeBytes) {
        (self.root, self.freeBytes) = (root, freeBytes)
    }

    /// Room that the system reports for a folder's storage, in bytes; the largest number if it reports none.
    public static let systemFreeBytes: @Sendable (URL) -> Int = { folder in
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue ?? Int.max
    }

    /// Copies a bundle unless it is there already with the same digests.
    ///
    /// - Parameters:
    ///   - bundle: What the index states about it.
    ///   - source: Place of one of its files by its path, such as a resource of the app.
    /// - Returns: Its folder.
    /// - Throws: `StoreError`, or what the file system reports.
    @discardableResult
    public func install(_ bundle: IndexedBundle, source: @Sendable (String) throws -> URL) throws -> URL {
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try remove { $0.hasPrefix(Self.partial) }
        let folder = folder(of: bundle)
        if !exists(folder) { try copyAll(bundle, to: folder, source) }
        // A process that was killed after the rename has left the former version behind.
        try remove { $0.hasPrefix(bundle.name + "@") && $0 != folder.lastPathComponent && isVersion($0, of: bundle) }
        return folder
    }

    /// Folder of a bundle that is installed with these digests; nil if it is not.
    public func find(_ bundle: IndexedBundle) -> URL? {
        let folder = folder(of: bundle)
        return exists(folder) ? folder : nil
    }

    /// Folders of all complete bundles, by name.
    public func installed() -> [URL] {
        let complete = names().filter { !$0.hasPrefix(Self.partial) }
        return complete.sorted().map { root.appendingPathComponent($0, isDirectory: true) }
    }

    /// Checks every file of an installed bundle again.
    ///
    /// - Throws: `StoreError.damaged` if a file is missing, or has another size or digest.
    public func verify(_ bundle: IndexedBundle) throws {
        for file in bundle.files {
            let place = folder(of: bundle).appendingPathComponent(file.path)
            guard exists(place) else { throw StoreError.damaged("\(bundle.name): \(file.path) is missing") }
            let found = try FileDigest.drain(place)
            try requireSame(file, found.bytes, found.sha256)
        }
    }

    /// Removes a bundle, so that the next `install` copies it anew.
    public func remove(_ bundle: IndexedBundle) throws {
        let folder = folder(of: bundle)
        guard exists(folder) else { return }
        let part = root.appendingPathComponent(Self.partial + folder.lastPathComponent, isDirectory: true)
        try? FileManager.default.removeItem(at: part)
        try FileManager.default.moveItem(at: folder, to: part)
        try FileManager.default.removeItem(at: part)
    }

    /// The digests of all files are part of the name: a bundle that has changed gets a folder of its own.
    private func folder(of bundle: IndexedBundle) -> URL {
        let files = bundle.files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let digest = SHA256Digest.of(files.map { "\($0.sha256)  \($0.path)" }.joined(separator: "\n").utf8)
        return root.appendingPathComponent("\(bundle.name)@\(digest.prefix(Self.digits))", isDirectory: true)
    }

    private func isVersion(_ name: String, of bundle: IndexedBundle) -> Bool {
        !name.dropFirst(bundle.name.count + 1).contains("@")
    }

    private func copyAll(_ bundle: IndexedBundle, to folder: URL, _ source: (String) throws -> URL) throws {
        let needed = sum(bundle.files.map(\.bytes))
        if freeBytes(root) - Self.margin < needed { throw StoreError.diskFull(neededBytes: needed) }
        let part = root.appendingPathComponent(Self.partial + folder.lastPathComponent, isDirectory: true)
        defer { try? FileManager.default.removeItem(at: part) }
        do {
            try FileManager.default.createDirectory(at: part, withIntermediateDirectories: true)
            for file in bundle.files {
                try copy(file, from: source(file.path), to: part.appendingPathComponent(file.path))
            }
            try FileManager.default.moveItem(at: part, to: folder)
        } catch let error where !(error is StoreError) && freeBytes(root) < Self.margin {
            throw StoreError.diskFull(neededBytes: needed)
        }
    }

    private func copy(_ file: IndexedFile, from source: URL, to target: URL) throws {
        let manager = FileManager.default
        try manager.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard manager.createFile(atPath: target.path, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
        let out = try FileHandle(forWritingTo: target)
        defer { try? out.close() }
        let found = try FileDigest.drain(source) { try out.write(contentsOf: $0) }
        try out.synchronize()
        try requireSame(file, found.bytes, found.sha256)
    }

    private func requireSame(_ file: IndexedFile, _ bytes: Int, _ sha256: String) throws {
        if bytes != file.bytes {
            throw StoreError.damaged("\(file.path) has \(bytes) bytes, expected \(file.bytes)")
        }
        if sha256 != file.sha256 {
            throw StoreError.damaged("\(file.path) has digest \(sha256), expected \(file.sha256)")
        }
    }

    private func exists(_ place: URL) -> Bool {
        FileManager.default.fileExists(atPath: place.path)
    }

    private func names() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    }

    private func remove(where isOld: (String) -> Bool) throws {
        for name in names().filter(isOld) {
            try FileManager.default.removeItem(at: root.appendingPathComponent(name))
        }
    }
}
