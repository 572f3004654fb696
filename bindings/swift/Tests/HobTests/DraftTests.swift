// SPDX-License-Identifier: Apache-2.0
import Hob
import Testing

/// Draft models and cache types of single sessions.
@Suite struct DraftTests {
  private let runtime: Runtime
  private let model: Model

  init() async throws {
    runtime = try Runtime(options: RuntimeOptions(threads: 2))
    model = try await Model(Files.fixture("smollm-q4_1"), runtime: runtime)
  }

  /// Of the same vocabulary; it guesses mostly right what the model chooses, but not always.
  private func draft() async throws -> Model {
    try await Model(
      Files.fixture("smollm-q4_1"), runtime: runtime, options: ModelOptions(activations: .int8))
  }

  @Test func aDraftModelChangesNoAnswer() async throws {
    let plain = try Session(model)
    let expected = try await plain.respond(to: "Hello", options: .exactly(48)).text
    #expect(try await plain.stats.guessedTokens == 0)
    for tokens in [nil, 3, 15] {
      // The session alone keeps the draft model.
      let session = try Session(
        model, options: SessionOptions(draft: try await draft(), draftTokens: tokens))
      #expect(try await session.respond(to: "Hello", options: .exactly(48)).text == expected)
      let stats = try await session.stats
      #expect(stats.rightTokens <= stats.guessedTokens)
      let fork = try await session.fork()
      _ = try await fork.respond(to: "Go on", options: .exactly(16))
      // Left to itself it guesses where that pays.
      if tokens != nil {
        #expect(stats.rightTokens > 0)
        #expect(try await fork.stats.guessedTokens > 0)
      }
    }
  }

  @Test func whatCannotBeOne() async throws {
    await expect(.invalidArgument) {
      try Session(model, options: SessionOptions(draft: model))
    }
    let stranger = try await Model(Files.fixture("smollm-q4_1"))
    let error = await expect(.invalidArgument) {
      try Session(model, options: SessionOptions(draft: stranger))
    }
    #expect(error?.message.contains("runtime") == true)
    let other = try await Model(Files.fixture("llama-q4_0"), runtime: runtime)
    await expect(.invalidArgument) {
      try Session(model, options: SessionOptions(draft: other))
    }
    let guesses = try await draft()
    await expect(.invalidArgument) {
      try Session(model, options: SessionOptions(draft: guesses, draftTokens: 16))
    }
  }

  @Test func cacheTypes() async throws {
    var sizes: [UInt64] = []
    for type in [ModelOptions.CacheType.int8, .float16, .float32, nil] {
      let session = try Session(model, options: SessionOptions(kvType: type))
      _ = try await session.respond(to: "Hello", options: .exactly(24))
      sizes.append(try await session.stats.cacheBytes)
    }
    #expect(sizes[0] < sizes[1] && sizes[1] < sizes[2] && sizes[3] == sizes[1])
  }
}
