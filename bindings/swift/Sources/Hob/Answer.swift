// SPDX-License-Identifier: Apache-2.0
// Answers of a session: asked for, streamed, cancelled.
import CHob
import Synchronization

extension Session {
  /// Answers a message piece by piece.
  ///
  /// The answer starts when the stream is first read. Reading sets the pace: hob computes at most a
  /// few tokens ahead of it. Cancelling the task that reads, ``cancel()`` or letting the stream go
  /// ends the answer within one step; what had been chosen until then is appended to the
  /// conversation. A cancelled task's stream ends without an error.
  ///
  /// A message whose answer fails, or is cancelled before its first token, is taken back.
  ///
  /// The stream throws ``HobError``: ``HobError/Code/outOfRange``, with both numbers, if the prompt
  /// is longer than the context; ``HobError/Code/invalidArgument`` (an option, or the chat template
  /// refuses the messages); ``HobError/Code/resourceExhausted`` (memory, or more than
  /// ``RuntimeOptions/maxRequests`` answers are on their way); ``HobError/Code/failedPrecondition``
  /// (another answer of this session is on its way).
  ///
  /// - Parameters:
  ///   - text: What the user says.
  ///   - options: When the answer ends.
  /// - Returns: Pieces of whole characters, none of them empty. How it ended is in ``lastReply``.
  public nonisolated func answer(
    to text: String, options: GenerateOptions = GenerateOptions()
  ) -> AsyncThrowingStream<String, any Error> {
    stream(text, options)
  }

  /// Answers the conversation as it stands, or continues the raw text, piece by piece; see
  /// ``answer(to:options:)``.
  public nonisolated func answer(
    options: GenerateOptions = GenerateOptions()
  ) -> AsyncThrowingStream<String, any Error> {
    stream(nil, options)
  }

  /// Answers a message as a whole.
  ///
  /// Cancelling the task ends the answer within one step and throws `CancellationError`; what had
  /// been chosen until then is appended to the conversation. A message whose answer fails, or is
  /// cancelled before its first token, is taken back.
  ///
  /// - Throws: As the stream of ``answer(to:options:)``.
  public nonisolated func respond(
    to text: String, options: GenerateOptions = GenerateOptions()
  ) async throws -> Reply {
    try await reply(text, options)
  }

  /// Answers the conversation as it stands, or continues the raw text; see
  /// ``respond(to:options:)``.
  public nonisolated func respond(
    options: GenerateOptions = GenerateOptions()
  ) async throws -> Reply {
    try await reply(nil, options)
  }

  /// Ends the answer that is on its way, within one step; if none is, does nothing. Its stream ends
  /// after what had been chosen. Any thread.
  public nonisolated func cancel() { cancel(nil) }

  /// The last answer and how it ended.
  public var lastReply: Reply {
    get throws {
      try settle()
      var result = chob_hob_generate_result()
      var text = hob_string()
      try call { hob_session_get_result(&result, $0, $1) }
      try call { hob_session_get_reply(&text, $0, $1) }
      return Reply(text: String(text), result)
    }
  }

  private nonisolated func stream(
    _ text: String?, _ options: GenerateOptions
  ) -> AsyncThrowingStream<String, any Error> {
    // Pulled, not pushed: nothing is computed that nobody asks for, and there is no buffer to fill.
    let answer = Answer(self, text, options)
    return AsyncThrowingStream { try await answer.next() }
  }

  private nonisolated func reply(
    _ text: String?, _ options: GenerateOptions
  ) async throws -> Reply {
    let answer = Answer(self, text, options)
    return try await withTaskCancellationHandler {
      try await self.whole(answer)
    } onCancel: {
      self.cancel(answer.id)
    }
  }
}

/// Which answer of a session is on its way: what a cancel from another thread has to know.
struct AnswerControl {
  var created: UInt64 = 0
  var running: UInt64?
  var cancelled = false
}

struct StartedAnswer {
  let id: UInt64
  /// The conversation before it, if the answer brought a message of its own.
  let messagesBefore: Int?
}

/// An answer that was asked for, on its way or not. Its stream holds it: letting that go ends the
/// answer.
final class Answer: Sendable {
  let id: UInt64
  let text: String?
  let options: GenerateOptions
  let started = Atomic(false)
  private let session: Session

  init(_ session: Session, _ text: String?, _ options: GenerateOptions) {
    self.session = session
    self.text = text
    self.options = options
    id = session.control.withLock { control in
      control.created += 1
      return control.created
    }
  }

  deinit { session.cancel(id) }

  func next() async throws -> String? {
    try await withTaskCancellationHandler {
      try await session.next(self)
    } onCancel: {
      session.cancel(id)
    }
  }
}

extension Session {
  /// Cancels this answer, never a later one; nil: whichever is on its way.
  nonisolated func cancel(_ id: UInt64?) {
    control.withLock { control in
      guard let running = control.running, id == nil || id == running else { return }
      control.cancelled = true
      hob_session_cancel(handle)
    }
  }

  /// The next piece, starting the answer with the first one; nil: it is over.
  func next(_ answer: Answer) throws -> String? {
    if !answer.started.exchange(true, ordering: .relaxed) { try start(answer) }
    guard current?.id == answer.id else { return nil }
    return try piece()
  }

  /// All of the answer at once: no change of threads between its tokens.
  func whole(_ answer: Answer) throws -> Reply {
    try Task.checkCancellation()
    try start(answer)
    while try piece() != nil {}
    let reply = try lastReply
    if reply.finishReason == .cancelled { try Task.checkCancellation() }
    return reply
  }

  /// Sees that no answer is on its way: finishes one that was cancelled, whose reader may be gone;
  /// throws if there is another.
  func settle() throws {
    guard current != nil else { return }
    guard control.withLock({ $0.cancelled }) else {
      throw HobError(
        code: .failedPrecondition, message: "an answer of this session is on its way",
        hint: "read its stream to the end, or cancel() it")
    }
    // What went wrong at its end was for its reader.
    do { while try piece() != nil {} } catch is HobError {}
  }

  private func start(_ answer: Answer) throws {
    try settle()
    var before: Int?
    if let text = answer.text {
      before = try messageCount()
      try add(.user, text)
    }
    do {
      try answer.options.withC { options in
        try call { hob_session_start($0, options, $1) }
      }
    } catch {
      takeBack(before)
      throw error
    }
    current = StartedAnswer(id: answer.id, messagesBefore: before)
    control.withLock { control in
      control.running = answer.id
      control.cancelled = false
    }
    // A task that was cancelled before it was running has not been heard.
    if Task.isCancelled { cancel(answer.id) }
  }

  private func piece() throws -> String? {
    var kind: hob_poll = 0
    var token = chob_hob_token()
    do {
      repeat {
        try call { hob_session_poll(&kind, &token, $0, -1, $1) }
      } while kind != HOB_POLL_END && token.text_size == 0
    } catch {
      finish(failed: true)
      throw error
    }
    if kind == HOB_POLL_END {
      finish(failed: false)
      return nil
    }
    return String(bytes: token.text, count: token.text_size)
  }

  private func finish(failed: Bool) {
    let before = current?.messagesBefore
    let cancelled = control.withLock { control in
      control.running = nil
      return control.cancelled
    }
    current = nil
    if failed || cancelled { takeBack(before) }
  }

  /// Drops the message that asked for an answer and got none.
  private func takeBack(_ before: Int?) {
    guard let before, let count = try? messageCount(), count == before + 1 else { return }
    try? call { hob_session_keep_messages($0, before, $1) }
  }
}
