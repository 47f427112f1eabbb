// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
import Foundation

@available(iOS 13.0, *)
public struct SHA256: Sendable {
    public init() { fatalError() }
    public mutating func update(bufferPointer: UnsafeRawBufferPointer) { fatalError() }
    public func finalize() -> SHA256Digest { fatalError() }
}

@available(iOS 13.0, *)
public struct SHA256Digest: Sequence, Sendable {
    public func makeIterator() -> Array<UInt8>.Iterator { fatalError() }
}
