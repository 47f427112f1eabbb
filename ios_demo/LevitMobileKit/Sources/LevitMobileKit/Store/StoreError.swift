/// Why a bundle cannot be copied or opened.
public enum StoreError: Error, Equatable, CustomStringConvertible {
    /// Its files are not what its index or its contract states.
    case damaged(String)
    /// It is sound, and no runtime of this app loads it.
    case unsupported(String)
    /// The storage has no room; so many bytes are missing at most.
    case diskFull(neededBytes: Int)

    /// The reason in one sentence.
    public var description: String {
        switch self {
        case .damaged(let sentence), .unsupported(let sentence): sentence
        case .diskFull(let neededBytes): "the storage has no room for \(neededBytes) bytes"
        }
    }
}
