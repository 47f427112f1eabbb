/// A phone's runtime, by the suffix of the artifacts that it loads.
public enum Runtime: Sendable, CaseIterable {
    case coreML
    case executorch
    case litert

    /// The runtime of a contract's artifact; nil for an unknown suffix.
    public init?(of contract: Contract) {
        let file = contract.artifact.file
        guard let found = Self.allCases.first(where: { file.hasSuffix($0.suffix) }) else { return nil }
        self = found
    }

    /// Name in timing records.
    public var title: String {
        switch self {
        case .coreML: "Core ML"
        case .executorch: "ExecuTorch"
        case .litert: "LiteRT"
        }
    }

    /// Target in timing records.
    public var target: String {
        switch self {
        case .coreML: "coreml"
        case .executorch: "executorch"
        case .litert: "tflite"
        }
    }

    private var suffix: String {
        switch self {
        case .coreML: ".mlpackage"
        case .executorch: ".pte"
        case .litert: ".tflite"
        }
    }

    /// Name of the package that made the artifact, in the contract's toolchain; nil where the system is the runtime.
    private var maker: String? {
        switch self {
        case .coreML: nil
        case .executorch: "executorch"
        case .litert: "ai-edge-litert"
        }
    }

    /// Why a runtime of this version does not load the artifact; nil if it does, or if the contract does not state the
    /// versions.
    ///
    /// Core ML loads what the system is new enough for: its version is that of iOS. ExecuTorch loads programs of its
    /// own and of the previous minor version, never those of a later one; source: `runtime/COMPATIBILITY.md` of
    /// ExecuTorch 1.4.1. LiteRT loads those of its own major version.
    ///
    /// - Parameter version: Version of the runtime in the app, such as `1.4.1`.
    public func refuses(_ contract: Contract, version: String) -> String? {
        let found = Self.numbers(version)
        guard let maker else {
            guard let oldest = contract.artifact.minimumIOS, let major = found.first, let major, major < oldest else {
                return nil
            }
            return "the artifact needs iOS \(oldest), and the device has \(version)"
        }
        guard let stated = contract.artifact.toolchain[maker] else { return nil }
        let made = Self.numbers(stated)
        guard made.count >= 2, found.count >= 2, let madeMajor = made[0], let madeMinor = made[1], let major = found[0],
            let minor = found[1]
        else { return nil }
        let loads = major == madeMajor && (self == .litert || (0...1).contains(minor - madeMinor))
        if loads { return nil }
        let next = "\(madeMajor).\(madeMinor) or \(madeMajor).\(madeMinor + 1)"
        let expected = self == .litert ? "\(madeMajor).x" : next
        return "the artifact was made by \(title) \(stated), and the app has \(version), expected \(expected)"
    }

    private static func numbers(_ version: String) -> [Int?] {
        version.split(separator: ".", omittingEmptySubsequences: false).map { Int32($0).map(Int.init) }
    }
}
