// swift-tools-version: 6.0
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// hob is found by pkg-config: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig for one that is not in the
// system's folders.
let package = Package(
  name: "hob",
  // Mutex of the standard library's Synchronization is this old.
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [.library(name: "Hob", targets: ["Hob"])],
  targets: [
    .systemLibrary(name: "CHob", pkgConfig: "hob"),
    .target(name: "Hob", dependencies: ["CHob"]),
    .testTarget(name: "HobTests", dependencies: ["Hob", "CHob"]),
  ]
)
