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
    var tokens: UnsafeMutablePointer<Int32>?
    var count = 0
    try text.withC { text, size in
      try check { hob_model_tokenize(&tokens, &count, handle, text, size, options.rawValue, $0) }
    }
    return freed(tokens, count) { Array($0) }
  }

  /// Turns tokens into text; bytes that are not UTF-8 become U+FFFD.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func detokenize(_ tokens: [Int32], options: TextOptions = []) throws -> String {
    var text: UnsafeMutablePointer<CChar>?
    var size = 0
    try check {
      hob_model_detokenize(&text, &size, handle, tokens, tokens.count, options.rawValue, $0)
    }
    return freed(text, size) { String(bytes: $0.baseAddress, count: $0.count) }
  }

  /// The bytes of one token, which may be part of a UTF-8 character.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func bytes(of token: Int32, options: TextOptions = []) throws -> [UInt8] {
    var bytes: UnsafeMutablePointer<CChar>?
    var size = 0
    try check { hob_model_token_bytes(&bytes, &size, handle, token, options.rawValue, $0) }
    return freed(bytes, size) { $0.map { UInt8(bitPattern: $0) } }
  }

  /// The token stored as exactly `text` (`<|im_end|>`).
  ///
  /// - Throws: ``HobError``: ``HobError/Code/notFound``.
  public func token(for text: String) throws -> Int32 {
    var token: Int32 = -1
    try text.withC { text, size in
      try check { hob_model_find_token(&token, handle, text, size, $0) }
    }
    return token
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
