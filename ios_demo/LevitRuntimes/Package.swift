// swift-tools-version: 6.0

// The runtimes that an app may add to LevitMobileKit. They are a package of their own, because ExecuTorch needs iOS 17 and
// SwiftPM clones its large repository: an app with Core ML alone needs neither.

import PackageDescription

// On Linux the vendors' packages do not exist, and modules with the same names stand in for them; see twins/.
#if os(Linux)
    let dependencies: [Package.Dependency] = [.package(path: "../twins")]
    let executorch: [Target.Dependency] = [.product(name: "ExecuTorch", package: "twins")]
    let litert: [Target.Dependency] = [.product(name: "LiteRT", package: "twins")]
#else
    // The branch swiftpm-1.4.1: binaries of ExecuTorch 1.4.1, by which levit-mobile makes its artifacts.
    let dependencies: [Package.Dependency] = [
        .package(
            url: "https://github.com/pytorch/executorch", revision: "1e16db53f23996df64af6a243068f13ed7768e36")
    ]
    let executorch: [Target.Dependency] = ["executorch", "backend_xnnpack", "kernels_optimized", "kernels_quantized"]
        .map {
            .product(name: $0, package: "executorch")
        }
    let litert: [Target.Dependency] = []
#endif

let kit = Target.Dependency.product(name: "LevitMobileKit", package: "LevitMobileKit")

let package = Package(
    name: "LevitRuntimes",
    platforms: [.iOS(.v17), .macOS(.v13)],
    products: [
        .library(name: "LevitExecuTorch", targets: ["LevitExecuTorch"]),
        .library(name: "LevitLiteRT", targets: ["LevitLiteRT"]),
    ],
    dependencies: [.package(path: "../LevitMobileKit")] + dependencies,
    targets: [
        .target(name: "LevitThreadPool", dependencies: executorch),
        .target(name: "LevitExecuTorch", dependencies: [kit, "LevitThreadPool"] + executorch),
        .target(name: "LevitLiteRT", dependencies: [kit] + litert),
        .testTarget(
            name: "LevitRuntimesTests", dependencies: [kit, "LevitExecuTorch", "LevitLiteRT"] + executorch + litert),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
