// SPDX-License-Identifier: Apache-2.0
import CHob

/// What makes one text of a conversation, without a model and without a runtime: Jinja as model
/// files carry it, run in a sandbox of bounded time and memory.
///
/// Immutable: any number of threads and tasks may use one template at a time.
public final class ChatTemplate: Sendable {
  // Any thread may use it, so says the C interface.
  nonisolated(unsafe) let handle: OpaquePointer

  /// Reads a template. ``Model/chatTemplate`` gives the one of an open model.
  ///
  /// - Parameters:
  ///   - source: Jinja.
  ///   - bos: What the template has as `bos_token`.
  ///   - eos: What it has as `eos_token`.
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` with line and column;
  ///   ``HobError/Code/unimplemented`` names what hob's Jinja lacks.
  public convenience init(_ source: String, bos: String = "", eos: String = "") throws {
    var handle: OpaquePointer?
    try [source, bos, eos].withC { texts, _ in
      guard let texts else { return }
      var options = chob_hob_chat_template_options()
      options.bos_text = texts[1]
      options.eos_text = texts[2]
      try check {
        hob_chat_template_create(&handle, texts[0].data, texts[0].size, &options, $0)
      }
    }
    self.init(try created(handle))
  }

  /// Takes `handle` over.
  init(_ handle: Handle) {
    self.handle = handle.pointer
  }

  deinit { hob_chat_template_destroy(handle) }

  /// The text that the template makes of messages.
  ///
  /// - Parameters:
  ///   - messages: The conversation.
  ///   - addGenerationPrompt: The text ends where the assistant is to speak.
  ///   - variables: Further variables, a JSON object such as `{"enable_thinking": false}`; they win
  ///     over those that hob sets, `messages` included. Empty: none.
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` with what the template objects to, or
  ///   the line of what it cannot do; ``HobError/Code/unimplemented``;
  ///   ``HobError/Code/resourceExhausted`` where it takes too long or too much.
  public func render(
    _ messages: [Message], addGenerationPrompt: Bool = true, variables: String = ""
  ) throws -> String {
    var text: UnsafeMutablePointer<CChar>?
    var size = 0
    // One array of texts, so that one buffer holds them all.
    let texts = [variables] + messages.flatMap { [$0.role.rawValue, $0.text] }
    try texts.withC { texts, count in
      guard let texts else { return }
      var options = chob_hob_render_options()
      options.add_generation_prompt = addGenerationPrompt ? 1 : 0
      options.variables = texts[0]
      let views = stride(from: 1, to: count, by: 2).map {
        hob_chat_message(role: texts[$0], content: texts[$0 + 1])
      }
      try check {
        hob_chat_template_render(&text, &size, handle, views, views.count, &options, $0)
      }
    }
    return freed(text, size) { String(bytes: $0.baseAddress, count: $0.count) }
  }
}
