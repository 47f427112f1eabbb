/// The bundles that an app brings along: `bundles/index.json` in its resources, written by `levit-mobile deploy`.
public struct BundleIndex: SchemaObject {
    public internal(set) var schemaVersion = BundleIndex.newestSchema
    /// One entry per bundle.
    public internal(set) var bundles: [IndexedBundle] = []

    /// The version that is read and written.
    public static let newestSchema = 1
    private static let file = "the index of bundles"

    init() {}

    /// - Throws: `FormatError` if two bundles have the same name.
    public init(_ bundles: [IndexedBundle]) throws {
        self.bundles = bundles
        try check()
    }

    static var fields: [SchemaField<BundleIndex>] {
        [.required("schema_version", \.schemaVersion), .required("bundles", \.bundles)]
    }

    func check() throws {
        try require(Set(bundles.map(\.name)).count == bundles.count, "two bundles have the same name")
    }

    /// Reads an index.
    ///
    /// - Throws: `FormatError` if the text is not JSON, has an unknown `schema_version` or field, or a path that leaves
    ///   the bundle's folder.
    public static func read(_ text: String) throws -> BundleIndex {
        try SchemaFile.read(file, text, newest: newestSchema)
    }

    /// The index as JSON.
    public func write() throws -> String {
        try SchemaFile.write(Self.file, self)
    }
}

/// One bundle of the index.
public struct IndexedBundle: SchemaObject {
    /// Name of its folder, such as `levit_128s-coreml-fp16`.
    public internal(set) var name = ""
    /// All files of the bundle.
    public internal(set) var files: [IndexedFile] = []

    init() {}

    /// - Throws: `FormatError` if the name is not one folder's, or two files have the same path.
    public init(_ name: String, _ files: [IndexedFile]) throws {
        (self.name, self.files) = (name, files)
        try check()
    }

    static var fields: [SchemaField<IndexedBundle>] {
        [.required("name", \.name), .required("files", \.files)]
    }

    func check() throws {
        try require(isPlain(name), "the bundle's name is \(name), expected one folder's name")
        try require(Set(files.map(\.path)).count == files.count, "two files of \(name) have the same path")
    }
}

/// One file of a bundle.
public struct IndexedFile: SchemaObject {
    /// Path below the bundle's folder, with `/` between folders.
    public internal(set) var path = ""
    /// Size in bytes.
    public internal(set) var bytes = 0
    /// SHA-256 of the file.
    public internal(set) var sha256 = ""

    init() {}

    /// - Throws: `FormatError` if the path leaves the bundle's folder, or a value is out of its range.
    public init(_ path: String, bytes: Int, sha256: String) throws {
        (self.path, self.bytes, self.sha256) = (path, bytes, sha256)
        try check()
    }

    static var fields: [SchemaField<IndexedFile>] {
        [.required("path", \.path), .required("bytes", \.bytes), .required("sha256", \.sha256)]
    }

    func check() throws {
        try require(isInside(path), "the path is \(path), expected one below the bundle's folder")
        try require(bytes >= 0, "\(path) has \(bytes) bytes, expected 0 or more")
        try requireDigest("sha256", sha256)
    }
}

/// Whether a relative path stays below its folder.
func isInside(_ path: String) -> Bool {
    path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isPlain(String($0)) }
}

func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.contains { "/\\\0".contains($0) }
}
