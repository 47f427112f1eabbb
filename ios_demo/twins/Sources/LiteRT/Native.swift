import NativeLibrary

typealias Handle = UnsafeMutableRawPointer

/// The C interface of LiteRT, in the library that the environment variable `LEVIT_LITERT` names.
enum Native {
    typealias Made = UnsafeMutablePointer<Handle?>
    typealias One = @convention(c) (Handle) -> Int32
    typealias Make1 = @convention(c) (Handle, Made) -> Int32
    typealias MakeAt = @convention(c) (Handle, Int, Made) -> Int32
    typealias Count = @convention(c) (Handle, UnsafeMutablePointer<Int>) -> Int32
    typealias Destroy = @convention(c) (Handle) -> Void

    static let library = NativeLibrary("LEVIT_LITERT")

    /// Calls a function that makes an object.
    static func make(_ call: (Made) -> Int32) throws -> Handle {
        var made: Handle?
        try check(call(&made))
        guard let made else { throw LiteRtError.runtimeFailure }
        return made
    }

    static func make(_ name: String, _ owner: Handle) throws -> Handle {
        let function = library.function(name, as: Make1.self)
        return try make { function(owner, $0) }
    }

    static func make(_ name: String, _ owner: Handle, at index: Int) throws -> Handle {
        let function = library.function(name, as: MakeAt.self)
        return try make { function(owner, index, $0) }
    }

    static func count(_ name: String, _ owner: Handle) throws -> Int {
        var count = 0
        try check(library.function(name, as: Count.self)(owner, &count))
        return count
    }

    static func destroy(_ name: String, _ object: Handle) {
        library.function(name, as: Destroy.self)(object)
    }

    static func check(_ status: Int32) throws {
        if status != 0 { throw LiteRtError(status: status) }
    }
}

/// The C interface's description of a tensor: its type, the number of dimensions in 7 bits, 8 dimensions, 8 strides.
struct RankedType {
    var words = [UInt32](repeating: 0, count: 18)

    init(_ tensor: Handle, _ function: String) throws {
        let read = Native.library.function(
            function, as: (@convention(c) (Handle, UnsafeMutablePointer<UInt32>) -> Int32).self)
        try Native.check(read(tensor, &words))
    }

    var tensorType: TensorType {
        let rank = Int(words[1] & 0x7f)
        let dimensions = words[2..<2 + rank].map { Int(Int32(bitPattern: $0)) }
        return TensorType(
            elementType: ElementType(rawValue: words[0]) ?? .none, layout: Layout(dimensions: dimensions))
    }
}
