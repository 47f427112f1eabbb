import Foundation

/// Digests of files and folders, as `levit-mobile` computes them.
enum FileDigest {
    /// Passes a file's bytes on in parts; returns their number and SHA-256.
    static func drain(_ file: URL, _ write: (Data) throws -> Void = { _ in }) throws -> (bytes: Int, sha256: String) {
        let source = try FileHandle(forReadingFrom: file)
        defer { try? source.close() }
        var digest = SHA256Digest()
        var bytes = 0
        while let part = try source.read(upToCount: 1 << 20), !part.isEmpty {
            part.withUnsafeBytes { digest.update($0) }
            try write(part)
            bytes += part.count
        }
        return (bytes, digest.finish())
    }

    /// SHA-256 of a file, or of a folder: of the lines `digest  path` of its files, sorted by path.
    ///
    /// Names count in Unicode's composed form. What macOS leaves in folders, `.DS_Store` and `._name`, does not count.
    static func of(_ place: URL) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), isFolder.boolValue else {
            return try drain(place).sha256
        }
        let names = try FileManager.default.subpathsOfDirectory(atPath: place.path)
        let files = try names.filter { try isFile(place.appendingPathComponent($0)) && !isClutter($0) }
        let lines = try files.map { name in
            (name.precomposedStringWithCanonicalMapping, try drain(place.appendingPathComponent(name)).sha256)
        }
        let sorted = lines.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        return SHA256Digest.of(sorted.map { "\($1)  \($0)\n" }.joined().utf8)
    }

    private static func isFile(_ place: URL) throws -> Bool {
        let attributes = try FileManager.default.attributesOfItem(atPath: place.path)
        return attributes[.type] as? FileAttributeType == .typeRegular
    }

    private static func isClutter(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return name == ".DS_Store" || name.hasPrefix("._")
    }
}
