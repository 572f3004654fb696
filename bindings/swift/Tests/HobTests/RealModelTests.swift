// SPDX-License-Identifier: Apache-2.0
import Hob
import Testing

@Suite(.enabled(if: Files.model != nil, "HOB_MODEL names no model"))
struct RealModelTests {
  @Test func knowsTheCapitalOfFrance() async throws {
    let model = try await Model(try #require(Files.model))
    let session = try Session(model)
    let options = GenerateOptions(maxTokens: 48)
    let pieces = try await collect(
      session.answer(to: "What is the capital of France?", options: options))
    #expect(pieces.joined().contains("Paris") && pieces.count > 4)
  }

  /// A long prompt is left within a step, long before it is read.
  @Test func aLongPromptIsCancelled() async throws {
    let model = try await Model(try #require(Files.model), options: ModelOptions(maxBatchRows: 32))
    let session = try Session(model)
    let long = String(repeating: "The quick brown fox jumps over the lazy dog. ", count: 700)
    let clock = ContinuousClock()
    let task = Task { try await session.respond(to: long, options: GenerateOptions(maxTokens: 1)) }
    try await Task.sleep(for: .milliseconds(150))
    let start = clock.now
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(clock.now - start < .seconds(1))
    #expect(try await session.messages.isEmpty)
  }
}
