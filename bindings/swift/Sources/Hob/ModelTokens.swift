// SPDX-License-Identifier: Apache-2.0
import CHob

/// The model's tokenizer and chat template, as they are and as handles of their own.
extension Model {
  /// The tokenizer, which outlives the model.
  public var tokenizer: Tokenizer {
    get throws {
      var tokenizer: OpaquePointer?
      try check { hob_model_get_tokenizer(&tokenizer, handle, $0) }
      return Tokenizer(try created(tokenizer))
    }
  }

  /// The chat template, which outlives the model.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` if the model has none; what
  ///   ``ChatTemplate/init(_:bos:eos:)`` says of one that hob cannot read.
  public var chatTemplate: ChatTemplate {
    get throws {
      var template: OpaquePointer?
      try check { hob_model_get_chat_template(&template, handle, $0) }
      return ChatTemplate(try created(template))
    }
  }

  /// Turns text into tokens.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for unknown options.
  public func tokenize(_ text: String, options: TextOptions = []) throws -> [Int32] {
    try tokenizer.encode(text, options: options)
  }

  /// Turns tokens into text; bytes that are not UTF-8 become U+FFFD.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func detokenize(_ tokens: [Int32], options: TextOptions = []) throws -> String {
    try tokenizer.decode(tokens, options: options)
  }

  /// The bytes of one token, which may be part of a UTF-8 character.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func bytes(of token: Int32, options: TextOptions = []) throws -> [UInt8] {
    try tokenizer.bytes(of: token, options: options)
  }

  /// The token stored as exactly `text` (`<|im_end|>`).
  ///
  /// - Throws: ``HobError``: ``HobError/Code/notFound``.
  public func token(for text: String) throws -> Int32 {
    try tokenizer.token(for: text)
  }

  /// Whether `token` ends an answer.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func isEndToken(_ token: Int32) throws -> Bool {
    var end: UInt8 = 0
    try check { hob_model_is_end_token(&end, handle, token, $0) }
    return end != 0
  }
}
