import Foundation
import NativeLibrary

typealias Handle = UnsafeMutableRawPointer

/// One tensor as it crosses the interface of `android_demo/twins/executorch/native/twin.cpp`.
struct View {
    static let mostDimensions = 8

    var type: Int32 = 0
    var rank: Int32 = 0
    var data: UnsafeMutableRawPointer?
    var bytes: Int64 = 0
    var sizes: (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32) = (0, 0, 0, 0, 0, 0, 0, 0)

    var shape: [Int] {
        withUnsafeBytes(of: sizes) { $0.bindMemory(to: Int32.self).prefix(Int(rank)).map(Int.init) }
    }

    init() {}

    init(type: DataType, shape: [Int], data: UnsafeMutableRawPointer) {
        precondition(shape.count <= Self.mostDimensions, "the twin takes at most \(Self.mostDimensions) dimensions")
        (self.type, rank, self.data) = (Int32(type.rawValue), Int32(shape.count), data)
        bytes = Int64(shape.reduce(size(ofDataType: type), *))
        withUnsafeMutableBytes(of: &sizes) { memory in
            let sizes = memory.bindMemory(to: Int32.self)
            for (place, size) in shape.enumerated() { sizes[place] = Int32(size) }
        }
    }
}

/// The functions of the native library that the environment variable `LEVIT_EXECUTORCH` names.
enum Native {
    private static let library = NativeLibrary("LEVIT_EXECUTORCH")

    static let open = library.function("twin_open", as: (@convention(c) (UnsafePointer<CChar>, Int32) -> Handle).self)
    static let load = library.function(
        "twin_load", as: (@convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32).self)
    static let method = library.function(
        "twin_method", as: (@convention(c) (Handle, Int32) -> UnsafePointer<CChar>).self)
    static let loadMethod = library.function(
        "twin_load_method", as: (@convention(c) (Handle, UnsafePointer<CChar>) -> Int32).self)
    static let execute = library.function(
        "twin_execute",
        as: (@convention(c) (Handle, UnsafePointer<CChar>, UnsafeMutableRawPointer, Int32, UnsafeMutablePointer<Int32>)
            -> Int32).self)
    static let output = library.function(
        "twin_output", as: (@convention(c) (Handle, Int32, UnsafeMutableRawPointer) -> Void).self)
    static let close = library.function("twin_close", as: (@convention(c) (Handle) -> Void).self)

    /// Throws for an error's code as the vendor's classes do.
    static func check(_ code: Int32) throws {
        if code == 0 { return }
        let text = descriptions[Int(code)] ?? "Unknown error"
        throw NSError(
            domain: "org.pytorch.executorch.error", code: Int(code), userInfo: [NSLocalizedDescriptionKey: text])
    }

    private static let descriptions = [
        1: "Internal error", 2: "Invalid executor state", 16: "Operation not supported", 18: "Invalid argument",
        19: "Invalid type", 20: "Operator missing", 32: "Resource not found", 33: "Memory allocation failed",
        34: "Access failed", 35: "Invalid program contents", 48: "Delegate version incompatible",
    ]
}

/// What the native library holds for a module. Outputs refer to it and do not keep it.
final class NativeModule {
    let handle: Handle

    init(_ path: String) {
        handle = Native.open(path, 0)
    }

    deinit { Native.close(handle) }
}
