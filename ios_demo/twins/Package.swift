// swift-tools-version: 6.0

// Modules for tests on Linux with the names of the vendors' Swift modules, over the native libraries of the Python wheels.
// They offer nothing that the vendors do not: members/ lists all members with their source.

import PackageDescription

let package = Package(
    name: "twins",
    products: [
        .library(name: "ExecuTorch", targets: ["ExecuTorch", "ThreadPoolTwin"]),
        .library(name: "LiteRT", targets: ["LiteRT"]),
    ],
    targets: [
        .target(name: "NativeLibrary"),
        .target(name: "ThreadPoolTwin"),
        .target(name: "ExecuTorch", dependencies: ["NativeLibrary"]),
        .target(name: "LiteRT", dependencies: ["NativeLibrary"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
