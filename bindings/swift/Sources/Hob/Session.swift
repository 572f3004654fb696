// SPDX-License-Identifier: Apache-2.0
import CHob
import Synchronization

/// One conversation with a model, or one raw text that it continues.
///
/// ```swift
/// let session = try Session(model)
/// for try await piece in session.answer(to: "What is the capital of France?") {
///   print(piece, terminator: "")
/// }
/// ```
///
/// A session is an actor, as it may be used by one at a time: the compiler sees to it. It runs on a
/// thread of its own instead of Swift's cooperative pool, so waiting for the model holds up no
/// other task. Sessions of one model answer side by side, each as if it were alone.
///
/// While a stream of ``answer(to:options:)`` is on its way, what else would change or read the
/// session throws ``HobError/Code/failedPrecondition``; ``cancel()``, cancelling the task that
/// reads it, or letting the stream go ends it.
public actor Session {
  /// The model that answers.
  public nonisolated let model: Model

  // Used on `queue` alone, save for hob_session_cancel, which any thread may call.
  nonisolated(unsafe) let handle: OpaquePointer
  let queue: BlockingQueue
  nonisolated let control = Mutex(AnswerControl())
  /// The answer on its way.
  var current: StartedAnswer?

  public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

  /// Creates an empty session.
  ///
  /// The cache is allocated as the conversation grows: an answer that several sessions together
  /// leave no memory for throws ``HobError/Code/resourceExhausted``, and the session stays as it
  /// was.
  ///
  /// - Parameters:
  ///   - model: The model that answers.
  ///   - system: A first message that says how it should; nil: none.
  ///   - options: Context, sampler and more.
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` names the option;
  ///   ``HobError/Code/failedPrecondition`` for a vocabulary-only model;
  ///   ``HobError/Code/resourceExhausted``, with the numbers and the context that would fit, if the
  ///   model and this session alone would pass the runtime's ``RuntimeOptions/memoryLimit``.
  public init(_ model: Model, system: String? = nil, options: SessionOptions = SessionOptions())
    throws
  {
    var c = try options.c()
    let sampler = try options.sampler.c()
    var handle: OpaquePointer?
    try withExtendedLifetime(options) {
      try withUnsafePointer(to: sampler) { sampler in
        c.sampler = sampler
        try check { hob_session_create(&handle, model.handle, &c, $0) }
      }
    }
    self.init(model, handle: try created(handle))
    if let system { try Self.add(self.handle, Message(role: .system, text: system)) }
  }

  /// Takes `handle` over.
  init(_ model: Model, handle: Handle) {
    self.model = model
    self.handle = handle.pointer
    queue = BlockingQueue("hob.session")
  }

  deinit {
    if current == nil {
      hob_session_destroy(handle)
    } else {
      // Waits for the step that is being computed: not here.
      let rest = Handle(pointer: handle), model = model
      queue.later {
        hob_session_destroy(rest.pointer)
        withExtendedLifetime(model) {}
      }
    }
  }

  // MARK: Messages

  /// Appends a message to the conversation. A failed add leaves the session as it was.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` if the model has no chat template
  ///   or the session holds raw text.
  public func add(_ message: Message) throws {
    try settle()
    try Self.add(handle, message)
  }

  /// Appends a message to the conversation. A failed add leaves the session as it was.
  public func add(_ role: Role, _ text: String) throws {
    try add(Message(role: role, text: text))
  }

  /// The conversation, answers included.
  public var messages: [Message] {
    get throws {
      try settle()
      var messages: [Message] = []
      for index in 0..<(try messageCount()) {
        var role = hob_string()
        var text = hob_string()
        try call { hob_session_get_message(&role, &text, $0, index, $1) }
        messages.append(Message(role: Role(rawValue: String(role)), text: String(text)))
      }
      return messages
    }
  }

  /// Keeps the first `count` messages and drops the later ones.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` if there are fewer.
  public func keepMessages(_ count: Int) throws {
    try settle()
    let count = try UInt(count, option: "count")
    try call { hob_session_keep_messages($0, Int(bitPattern: count), $1) }
  }

  // MARK: Raw text

  /// Appends raw text to continue from, with ``answer(options:)`` or ``respond(options:)``. A
  /// failed add leaves the session as it was.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` if the session holds messages;
  ///   ``HobError/Code/outOfRange``, with both numbers, if it would pass the context.
  public func add(text: String, options: TextOptions = []) throws {
    try settle()
    try text.withC { text, size in
      try call { hob_session_add_text($0, text, size, options.rawValue, $1) }
    }
  }

  /// The same from tokens.
  public func add(tokens: [Int32]) throws {
    try settle()
    try call { hob_session_add_tokens($0, tokens, tokens.count, $1) }
  }

  /// The tokens that the last answer rested on and those of the answer; for raw text, all so far.
  public var tokens: [Int32] {
    get throws {
      try settle()
      var tokens: UnsafePointer<Int32>?
      var count = 0
      try call { hob_session_get_tokens(&tokens, &count, $0, $1) }
      return Array(UnsafeBufferPointer(start: tokens, count: tokens == nil ? 0 : count))
    }
  }

  // MARK: Settings and state

  /// Changes how tokens are chosen from now on; the random state starts anew from the seed.
  public func setSampler(_ sampler: SamplerOptions) throws {
    try settle()
    var c = try sampler.c()
    try call { hob_session_set_sampler($0, &c, $1) }
  }

  /// Drops messages, tokens and cache. The sampler starts anew from its seed.
  public func reset() throws {
    try settle()
    try call { hob_session_reset($0, $1) }
  }

  /// What the last answer took.
  public var stats: SessionStats {
    get throws {
      try settle()
      var stats = chob_hob_session_stats()
      try call { hob_session_get_stats(&stats, $0, $1) }
      return SessionStats(stats)
    }
  }

  /// Calls the C interface with this session. The closure names no `self`, so what it fills in
  /// stays its caller's.
  func call(_ body: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> hob_status) throws {
    try check { body(handle, $0) }
  }

  func messageCount() throws -> Int {
    var count = 0
    try call { hob_session_message_count(&count, $0, $1) }
    return count
  }

  private static func add(_ handle: OpaquePointer, _ message: Message) throws {
    try message.role.rawValue.withC { role, roleSize in
      try message.text.withC { text, size in
        try check { hob_session_add_message(handle, role, roleSize, text, size, $0) }
      }
    }
  }
}
