import Foundation

/// A bundle's folder, opened and checked against the digests of its contract.
public struct LevitBundle: Sendable {
    /// The folder.
    public let folder: URL
    /// What it states.
    public let contract: Contract
    /// SHA-256 of `contract.json`.
    public let contractSHA256: String
    /// One label per class, in class order.
    public let labels: [String]
    /// The golden images.
    public let golden: [GoldenImage]
    /// What loads the artifact.
    public let runtime: Runtime

    /// The artifact's file or folder, which runtimes load by its path.
    public var artifact: URL { folder.appendingPathComponent(contract.artifact.file) }

    /// Opens a bundle.
    ///
    /// - Throws: `StoreError` if a file is missing or is not what the contract states, or if no runtime loads it.
    public init(opening folder: URL) throws {
        let reader = Reader(folder: folder)
        let text = try reader.bytes("contract.json")
        let contract: Contract
        do {
            contract = try Contract.read(String(decoding: text, as: UTF8.self))
        } catch let error as FormatError {
            throw reader.damaged("\(error)")
        }
        guard let runtime = Runtime(of: contract) else {
            let file = contract.artifact.file
            throw StoreError.unsupported("\(reader.name) has \(file), expected .mlpackage, .pte or .tflite")
        }
        try reader.requireArtifact(contract.artifact)
        (self.folder, self.contract, self.runtime) = (folder, contract, runtime)
        contractSHA256 = SHA256Digest.of(text)
        labels = try reader.labels(contract.output)
        golden = try contract.golden.map(reader.golden)
    }
}

private struct Reader {
    let folder: URL
    var name: String { folder.lastPathComponent }

    func damaged(_ sentence: String) -> StoreError {
        .damaged("\(name): \(sentence)")
    }

    func bytes(_ path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: try inside(path)))
        } catch let error as StoreError {
            throw error
        } catch {
            throw damaged("\(path) is missing or cannot be read")
        }
    }

    func requireArtifact(_ stated: Artifact) throws {
        let place = try inside(stated.file)
        guard let found = try? FileDigest.of(place) else {
            throw damaged("\(stated.file) is missing or cannot be read")
        }
        try requireDigest(stated.file, found, stated.sha256)
    }

    func labels(_ output: Output) throws -> [String] {
        var text = String(decoding: try checked(output.labelsFile, output.labelsSHA256), as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        let labels = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let classes = output.shape[1]
        if labels.count != classes { throw damaged("\(labels.count) labels, expected \(classes)") }
        return labels
    }

    func golden(_ stated: Golden) throws -> GoldenImage {
        let pixels = try checked(stated.rgb8File, stated.rgb8SHA256)
        let logits = try checked(stated.logitsFile, stated.logitsSHA256)
        let isPossible = stated.rgb8Shape.allSatisfy((1...ImageError.longestSide).contains)
        guard isPossible, pixels.count == stated.rgb8Shape.reduce(1, *), logits.count % 4 == 0,
            logits.count / 4 == stated.logitsShape[0]
        else {
            throw damaged("the size of the golden image \(stated.name) is not the stated one")
        }
        let values = logits.withUnsafeBytes { bytes in
            (0..<stated.logitsShape[0]).map { place in
                let word = bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
                return Float(bitPattern: UInt32(littleEndian: word))
            }
        }
        return GoldenImage(name: stated.name, pixels: pixels, logits: values)
    }

    private func checked(_ path: String, _ sha256: String) throws -> [UInt8] {
        let found = try bytes(path)
        try requireDigest(path, SHA256Digest.of(found), sha256)
        return found
    }

    private func inside(_ path: String) throws -> URL {
        if !isInside(path) { throw damaged("\(path) is not a path below the bundle's folder") }
        return folder.appendingPathComponent(path)
    }

    private func requireDigest(_ path: String, _ found: String, _ stated: String) throws {
        if found != stated { throw damaged("\(path) has digest \(found), expected \(stated)") }
    }
}
