// SPDX-License-Identifier: Apache-2.0
import Hob
import Testing

/// Streaming: pace, cancellation, and a session that is free afterwards.
@Suite struct StreamTests {
  private let runtime: Runtime
  private let model: Model

  init() async throws {
    runtime = try Runtime()
    model = try await Model(Files.fixture(), runtime: runtime)
  }

  @Test func piecesMakeTheReply() async throws {
    let session = try Session(model)
    let pieces = try await collect(session.answer(to: "Hello", options: .exactly(32)))
    let reply = try await session.lastReply
    #expect(pieces.joined() == reply.text && pieces.count > 1 && !pieces.contains(""))
    #expect(reply.generatedTokens == 32 && reply.finishReason == .length)
    #expect(try await Session(model).respond(to: "Hello", options: .exactly(32)).text == reply.text)
  }

  @Test func errorsComeOutOfTheStream() async throws {
    let session = try Session(model)
    await expect(.failedPrecondition) { try await collect(session.answer()) }
    await expect(.invalidArgument) {
      try await collect(session.answer(to: "Hello", options: GenerateOptions(maxTokens: -1)))
    }
    #expect(try await session.messages.isEmpty)
  }

  /// The reader sets the pace: while it reads nothing, no more than a few tokens are computed.
  @Test func backPressure() async throws {
    let plan = try Model.plan(Files.fixture(), runtime: runtime)
    let session = try Session(model)
    let before = try runtime.info.bytesInUse
    var iterator = session.answer(to: "Hi", options: .exactly(200)).makeAsyncIterator()
    #expect(try await iterator.next() != nil)
    try await Task.sleep(for: .milliseconds(200))
    // 200 tokens take more pages of cache than those that hold the prompt, the first piece and what
    // is ahead of it.
    let held = plan.sessionBytes(tokens: 100)
    #expect(plan.sessionBytes(tokens: 200) > held)
    #expect(try runtime.info.bytesInUse <= before + held)
    var pieces = 1
    while try await iterator.next() != nil { pieces += 1 }
    let reply = try await session.lastReply
    #expect(reply.generatedTokens == 200 && pieces > 20)
    #expect(try runtime.info.bytesInUse > before + held, "this test would see no difference")
  }

  @Test func leavingTheLoopEndsTheAnswer() async throws {
    let session = try Session(model)
    var read = ""
    for try await piece in session.answer(to: "Hello", options: .exactly(200)) {
      read += piece
      if read.count > 3 { break }
    }
    // At once free for the next question, and what was read is in the conversation.
    let second = try await session.respond(to: "And?", options: .exactly(4))
    #expect(second.generatedTokens == 4)
    let messages = try await session.messages
    #expect(messages.map(\.role) == [.user, .assistant, .user, .assistant])
    #expect(messages[1].text.hasPrefix(read) && messages[1].text.count < read.count + 40)
  }

  @Test func aStreamThatIsNeverReadNeverStarts() async throws {
    let session = try Session(model)
    _ = session.answer(to: "Hello")
    #expect(try await session.messages.isEmpty)
    let stream = session.answer(to: "Hello", options: .exactly(4))
    #expect(try await session.respond(to: "Other", options: .exactly(4)).generatedTokens == 4)
    _ = try await collect(stream)
    #expect(try await session.messages.map(\.text)[2] == "Hello")
  }

  @Test func cancelEndsTheStream() async throws {
    let session = try Session(model)
    session.cancel()  // nothing is on its way: nothing happens
    var iterator = session.answer(to: "Hello", options: .exactly(200)).makeAsyncIterator()
    var read = try #require(try await iterator.next())
    session.cancel()
    while let piece = try await iterator.next() { read += piece }
    let reply = try await session.lastReply
    #expect(reply.finishReason == .cancelled && reply.generatedTokens < 200)
    #expect(reply.text == read)
    // A stream that was cancelled and is still held does not stand in the way, and has ended.
    var held = session.answer(to: "More", options: .exactly(200)).makeAsyncIterator()
    _ = try await held.next()
    session.cancel()
    #expect(try await session.messages.count == 4)
    #expect(try await held.next() == nil)
  }

  @Test func cancellingTheTaskEndsTheStream() async throws {
    let session = try Session(model)
    let task = Task {
      var pieces = 0
      for try await _ in session.answer(to: "Hello", options: .exactly(200)) {
        pieces += 1
        if pieces == 3 { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return pieces
    }
    #expect(try await task.value == 3)
    #expect(try await session.lastReply.finishReason == .cancelled)
    #expect(try await session.respond(to: "Again", options: .exactly(4)).generatedTokens == 4)
  }

  @Test func cancellingTheTaskEndsAWholeReply() async throws {
    let session = try Session(model)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await session.respond(to: "Hello")
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await session.messages.isEmpty)
  }

  /// Cancels at every moment of an answer; whenever it comes, the session is whole afterwards.
  @Test func cancelAtAnyMoment() async throws {
    let session = try Session(model)
    for delay in 0..<60 {
      let task = Task { try await session.respond(to: "Hello", options: .exactly(120)) }
      try await Task.sleep(for: .microseconds(delay * 50))
      task.cancel()
      switch await task.result {
      case .success(let reply): #expect(reply.generatedTokens == 120)
      case .failure(let error): #expect(error is CancellationError)
      }
      let messages = try await session.messages
      #expect(messages.isEmpty || messages.map(\.role) == [.user, .assistant])
      try await session.reset()
    }
  }

  @Test func oneAnswerAtATime() async throws {
    let session = try Session(model)
    var iterator = session.answer(to: "Hello", options: .exactly(20)).makeAsyncIterator()
    _ = try await iterator.next()
    await expect(.failedPrecondition) { try await session.respond(to: "Other") }
    await expect(.failedPrecondition) { try await session.messages }
    await expect(.failedPrecondition) { try await session.fork() }
    while try await iterator.next() != nil {}
    #expect(try await session.lastReply.generatedTokens == 20)
    #expect(try await session.messages.count == 2)
    #expect(try await iterator.next() == nil)
  }

  @Test func aSessionThatIsLetGoGivesItsMemoryBack() async throws {
    // Nothing is kept for other sessions.
    let options = ModelOptions(sharedCacheTokens: 0)
    let runtime = try Runtime()
    let model = try await Model(Files.fixture(), runtime: runtime, options: options)
    let before = try runtime.info.bytesInUse
    do {
      let session = try Session(model)
      for try await _ in session.answer(to: "Hello", options: .exactly(200)) { break }
      #expect(try runtime.info.bytesInUse > before)
    }
    // The last step is waited for elsewhere.
    for _ in 0..<500 where try runtime.info.bytesInUse > before {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(try runtime.info.bytesInUse == before)
  }
}
