// SPDX-License-Identifier: Apache-2.0
import Hob
import Testing

@Suite struct SessionTests {
  private let model: Model

  init() async throws {
    model = try await Model(Files.fixture())
  }

  @Test func conversation() async throws {
    let session = try Session(model, system: "Be brief.")
    let reply = try await session.respond(to: "Hello", options: .exactly(8))
    #expect(reply.finishReason == .length && reply.generatedTokens == 8 && reply.stopIndex == nil)
    #expect(reply.promptTokens > 0 && "\(reply)" == reply.text)
    #expect(
      try await session.messages == [
        Message(role: .system, text: "Be brief."), Message(role: .user, text: "Hello"),
        Message(role: .assistant, text: reply.text),
      ])
    let second = try await session.respond(to: "Again", options: .exactly(4))
    #expect(second.cachedTokens > 0)
    #expect(try await session.lastReply == second)
    try await session.keepMessages(1)
    #expect(try await session.messages.count == 1)
    await expect(.invalidArgument) { try await session.keepMessages(2) }
    await expect(.invalidArgument) { try await session.keepMessages(-1) }
    try await session.reset()
    #expect(try await session.messages.isEmpty)
    await expect(.failedPrecondition) { try await session.respond() }
  }

  @Test func messagesOneByOne() async throws {
    let whole = try Session(model)
    let expected = try await whole.respond(to: "Hello", options: .exactly(8))
    let session = try Session(model)
    try await session.add(.user, "Hello")
    let reply = try await session.respond(options: .exactly(8))
    #expect(reply == expected)
    #expect(try await session.messages == whole.messages)
  }

  @Test func rawText() async throws {
    let session = try Session(model)
    try await session.add(text: "Once upon a time", options: .addSpecial)
    let tokens = try await session.tokens
    let reply = try await session.respond(options: .exactly(8))
    #expect(try await session.tokens.count == tokens.count + 8)
    let same = try Session(model)
    try await same.add(tokens: tokens)
    #expect(try await same.respond(options: .exactly(8)).text == reply.text)
    await expect(.failedPrecondition) { try await session.add(.user, "Hello") }
    await expect(.invalidArgument) { try await session.add(tokens: [-7]) }
  }

  @Test func stops() async throws {
    let text = try await Session(model).respond(to: "Hello", options: .exactly(24)).text
    let stop = String(text.dropFirst(text.count / 2).prefix(3))
    let reply = try await Session(model).respond(
      to: "Hello",
      options: GenerateOptions(maxTokens: 24, stops: ["no such text", stop], ignoreEnd: true))
    #expect(reply.finishReason == .stop && reply.stopIndex == 1)
    #expect(text.hasPrefix(reply.text) && !reply.text.contains(stop))
    await expect(.invalidArgument) {
      try await Session(model).respond(to: "Hello", options: GenerateOptions(stops: [""]))
    }
  }

  @Test func sampler() async throws {
    func reply(_ seed: UInt64) async throws -> String {
      let sampler = SamplerOptions(
        temperature: 1.2, topK: 40, topP: 0.95, minP: 0.01, repetitionPenalty: 1.1, seed: seed)
      return try await Session(model, options: SessionOptions(sampler: sampler))
        .respond(to: "Hello", options: .exactly(16)).text
    }
    #expect(try await reply(1) == reply(1))
    #expect(try await reply(1) != reply(2))
    let session = try Session(model)
    try await session.setSampler(SamplerOptions(temperature: 1.2, topK: 40, seed: 3))
    await expect(.invalidArgument) { try await session.setSampler(SamplerOptions(topP: 7)) }
    await expect(.invalidArgument) {
      try await session.setSampler(SamplerOptions(temperature: .nan))
    }
  }

  @Test func contextLimits() async throws {
    let session = try Session(model, options: SessionOptions(contextTokens: 48))
    let long = String(repeating: "many words ", count: 60)
    let error = await expect(.outOfRange) { try await session.respond(to: long) }
    #expect(error?.message.contains("48") == true)
    #expect(try await session.messages.isEmpty, "the message that failed is still there")
    let full = try await session.respond(to: "Hi", options: GenerateOptions(ignoreEnd: true))
    #expect(full.finishReason == .contextFull)

    let rolling = try Session(
      model, options: SessionOptions(contextTokens: 64, roll: true, keepTokens: 4))
    let reply = try await rolling.respond(to: "Hi", options: .exactly(150))
    #expect(reply.finishReason == .length && reply.droppedTokens > 0)
  }

  @Test func statsAndTime() async throws {
    let session = try Session(model)
    let reply = try await session.respond(to: "Hello", options: .exactly(8))
    let stats = try await session.stats
    #expect(stats.generatedTokens == 8 && stats.promptTokens == reply.promptTokens)
    #expect(stats.timeToFirstToken > .zero && stats.decode > .zero && stats.cacheBytes > 0)
    let short = try await session.respond(
      to: "Go on", options: GenerateOptions(ignoreEnd: true, maxTime: .nanoseconds(1)))
    #expect(short.finishReason == .time || short.finishReason == .contextFull)
  }

  @Test func fork() async throws {
    let session = try Session(model)
    _ = try await session.respond(to: "Hello", options: .exactly(8))
    let copy = try await session.fork()
    #expect(try await copy.messages == session.messages)
    let one = try await session.respond(to: "Go on", options: .exactly(8))
    let two = try await copy.respond(to: "Go on", options: .exactly(8))
    #expect(one.text == two.text)
  }

  @Test func saveAndRestore() async throws {
    let sampler = SamplerOptions(temperature: 1, seed: 5)
    let session = try Session(model, options: SessionOptions(sampler: sampler))
    _ = try await session.respond(to: "Hello", options: .exactly(8))
    let path = try Files.temporary("session.bin")
    try await session.save(to: path)
    let bytes: [UInt8] = try await session.save()
    let expected = try await session.respond(to: "Go on", options: .exactly(8)).text

    let fromFile = try Session(model)
    try await fromFile.restore(from: path)
    #expect(try await fromFile.respond(to: "Go on", options: .exactly(8)).text == expected)
    let fromMemory = try Session(model)
    try await fromMemory.restore(from: bytes)
    #expect(try await fromMemory.messages.count == 2)
    #expect(try await fromMemory.respond(to: "Go on", options: .exactly(8)).text == expected)

    await expect(.dataLoss) { try await fromMemory.restore(from: Array(bytes.dropLast(9))) }
    await expect(.notFound) { try await fromMemory.restore(from: "/no/such/session") }
    let other = try await Model(Files.fixture("smollm-q4_1"))
    await expect(.failedPrecondition) { try await Session(other).restore(from: bytes) }
  }
}
