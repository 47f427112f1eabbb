// swift-tools-version: 6.0

// The app's models without its screens, so that their tests need no Xcode. Xcode compiles the same files in the app.

import PackageDescription

let package = Package(
    name: "desk",
    platforms: [.iOS(.v17), .macOS(.v14)],
    dependencies: [.package(path: "../LevitMobileKit"), .package(path: "../LevitRuntimes")],
    targets: [
        .target(name: "LevitDemoModel", dependencies: ["LevitMobileKit"]),
        .testTarget(
            name: "LevitDemoModelTests",
            dependencies: [
                "LevitDemoModel", "LevitMobileKit",
                .product(name: "LevitExecuTorch", package: "LevitRuntimes"),
                .product(name: "LevitLiteRT", package: "LevitRuntimes"),
            ],
            // Swift's own libswiftObservation.so lacks a function that it calls when a thread cannot be made.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--allow-shlib-undefined"], .when(platforms: [.linux]))]),
    ],
    swiftLanguageModes: [.v6]
)
