// swift-tools-version: 6.0
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
  name: "chat",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "hob", path: "../../../bindings/swift")],
  targets: [.executableTarget(name: "chat", dependencies: [.product(name: "Hob", package: "hob")])]
)
