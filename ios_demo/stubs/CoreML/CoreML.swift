// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
import CoreVideo
@_exported import Foundation

@available(iOS 11.0, *)
open class MLModel: NSObject {
    @available(iOS 15.0, *)
    open class func load(
        contentsOf url: URL, configuration: MLModelConfiguration = MLModelConfiguration()
    ) async throws -> MLModel { fatalError() }
    @available(iOS 16.0, *)
    open class func compileModel(at modelURL: URL) async throws -> URL { fatalError() }
    open func prediction(from input: any MLFeatureProvider) throws -> any MLFeatureProvider { fatalError() }
}

@available(iOS 12.0, *)
open class MLModelConfiguration: NSObject {
    public override init() { fatalError() }
    open var computeUnits: MLComputeUnits {
        get { fatalError() }
        set { fatalError() }
    }
}

@available(iOS 12.0, *)
public enum MLComputeUnits: Int, @unchecked Sendable {
    case cpuOnly = 0
    case cpuAndGPU = 1
    case all = 2
    @available(iOS 16.0, *)
    case cpuAndNeuralEngine = 3
}

@available(iOS 11.0, *)
public protocol MLFeatureProvider {
    var featureNames: Set<String> { get }
    func featureValue(for featureName: String) -> MLFeatureValue?
}

@available(iOS 11.0, *)
open class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
    public init(dictionary: [String: Any]) throws { fatalError() }
    open var featureNames: Set<String> { fatalError() }
    open func featureValue(for featureName: String) -> MLFeatureValue? { fatalError() }
}

@available(iOS 11.0, *)
open class MLFeatureValue: NSObject {
    public convenience init(pixelBuffer value: CVPixelBuffer) { fatalError() }
    public convenience init(multiArray value: MLMultiArray) { fatalError() }
    open var multiArrayValue: MLMultiArray? { fatalError() }
}

@available(iOS 11.0, *)
public enum MLMultiArrayDataType: Int, @unchecked Sendable {
    case double = 65600
    case float32 = 65568
    @available(iOS 16.0, *)
    case float16 = 65552
    case int32 = 131104
}

@available(iOS 11.0, *)
open class MLMultiArray: NSObject {
    public init(shape: [NSNumber], dataType: MLMultiArrayDataType) throws { fatalError() }
    open var dataType: MLMultiArrayDataType { fatalError() }
    open var count: Int { fatalError() }
}

extension MLMultiArray {
    @available(iOS 15.4, *)
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { fatalError() }
    @available(iOS 15.4, *)
    public func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer, [Int]) throws -> R) rethrows -> R {
        fatalError()
    }
}
