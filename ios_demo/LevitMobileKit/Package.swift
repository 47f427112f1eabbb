// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "LevitMobileKit",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "LevitMobileKit", targets: ["LevitMobileKit"])],
    targets: [
        .target(name: "LevitMobileKit"),
        .testTarget(name: "LevitMobileKitTests", dependencies: ["LevitMobileKit"]),
    ],
    swiftLanguageModes: [.v6]
)
