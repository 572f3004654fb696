// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hob
import Testing

enum Files {
  static let source: URL = {
    if let folder = ProcessInfo.processInfo.environment["HOB_SOURCE_DIR"] {
      return URL(fileURLWithPath: folder)
    }
    return (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
      url.deletingLastPathComponent()
    }
  }()

  /// A real model, where there is one.
  static let model = ProcessInfo.processInfo.environment["HOB_MODEL"].flatMap {
    $0.isEmpty ? nil : $0
  }

  /// A tiny model with random weights.
  static func fixture(_ name: String = "llama3-q8_0") -> String {
    source.appendingPathComponent("tests/fixtures/\(name).gguf").path
  }

  /// A path in a new folder of its own.
  static func temporary(_ name: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "hob-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.appendingPathComponent(name).path
  }
}

extension GenerateOptions {
  /// An answer of exactly so many tokens.
  static func exactly(_ tokens: Int) -> GenerateOptions {
    GenerateOptions(maxTokens: tokens, ignoreEnd: true)
  }
}

func collect(_ stream: AsyncThrowingStream<String, any Error>) async throws -> [String] {
  var pieces: [String] = []
  for try await piece in stream { pieces.append(piece) }
  return pieces
}

/// Expects a `HobError` of this code; returns it.
@discardableResult
func expect<R>(
  _ code: HobError.Code, sourceLocation: SourceLocation = #_sourceLocation,
  isolation: isolated (any Actor)? = #isolation, _ work: () async throws -> R
) async -> HobError? {
  do {
    _ = try await work()
    Issue.record("it did not fail", sourceLocation: sourceLocation)
  } catch let error as HobError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
  return nil
}
