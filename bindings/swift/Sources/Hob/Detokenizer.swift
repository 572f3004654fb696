// SPDX-License-Identifier: Apache-2.0
import CHob

/// Turns a stream of tokens into text, piece by piece, each of whole characters. Used by one task at
/// a time, to which the compiler sees.
///
/// ```swift
/// let detokenizer = try Detokenizer(tokenizer)
/// for token in tokens { print(try detokenizer.push(token), terminator: "") }
/// print(try detokenizer.finish())
/// ```
public final class Detokenizer {
  private let handle: OpaquePointer

  /// Begins a text. The detokenizer keeps what it needs of the tokenizer.
  public init(_ tokenizer: Tokenizer, options: TextOptions = []) throws {
    var handle: OpaquePointer?
    try check { hob_detokenizer_create(&handle, tokenizer.handle, options.rawValue, $0) }
    self.handle = try created(handle).pointer
  }

  deinit { hob_detokenizer_destroy(handle) }

  /// Takes the next token and returns the text that became complete, maybe none: bytes that begin a
  /// character wait for the rest of it.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary,
  ///   which is then left out.
  public func push(_ token: Int32) throws -> String {
    var text = hob_string()
    try check { hob_detokenizer_push(&text, handle, token, $0) }
    return String(text)
  }

  /// The end: what was held back, as U+FFFD. The next token begins a new text.
  public func finish() throws -> String {
    var text = hob_string()
    try check { hob_detokenizer_finish(&text, handle, $0) }
    return String(text)
  }
}
