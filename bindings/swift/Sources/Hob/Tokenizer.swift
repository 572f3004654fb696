// SPDX-License-Identifier: Apache-2.0
import CHob

/// Text to tokens and back, without a model's weights and without a runtime.
///
/// Immutable: any number of threads and tasks may use one tokenizer at a time.
///
/// ```swift
/// let tokenizer = try Tokenizer("SmolLM2-135M-Instruct.Q4_1.gguf")
/// let tokens = try tokenizer.encode("Hello")
/// ```
public final class Tokenizer: Sendable {
  /// Token ids that the vocabulary lacks are nil.
  public struct Info: Sendable, Hashable {
    /// Ids are from 0 to below it.
    public let size: Int
    /// Begins a text.
    public let bosToken: Int32?
    /// Ends it; ``TokenInfo/endsAnswer`` tells of all that do.
    public let eosToken: Int32?
    public let unknownToken: Int32?
    public let separatorToken: Int32?
    /// ``TextOptions/addSpecial`` puts a token before the text.
    public let addsBos: Bool
    /// And one after it.
    public let addsEos: Bool
  }

  /// What a token stands for. A newer library may know further kinds.
  public struct TokenKind: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32

    public init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    private init(_ kind: Int) {
      self.init(rawValue: Int32(truncatingIfNeeded: kind))
    }

    public static let normal = TokenKind(HOB_TOKEN_NORMAL)
    /// Stands for what no token has.
    public static let unknown = TokenKind(HOB_TOKEN_UNKNOWN)
    /// Such as `<|im_end|>`: no part of a text.
    public static let control = TokenKind(HOB_TOKEN_CONTROL)
    /// Found in every text before it is cut into others.
    public static let userDefined = TokenKind(HOB_TOKEN_USER_DEFINED)
    public static let unused = TokenKind(HOB_TOKEN_UNUSED)
    /// One byte.
    public static let byte = TokenKind(HOB_TOKEN_BYTE)
  }

  /// What the vocabulary says of a token.
  public struct TokenInfo: Sendable, Hashable {
    public let kind: TokenKind
    /// As the vocabulary stores it, which is not how it reads.
    public let text: String
    public let endsAnswer: Bool
  }

  // Any thread may use it, so says the C interface.
  nonisolated(unsafe) let handle: OpaquePointer

  /// Reads the vocabulary of a GGUF or .hob file, with or without weights; what the file is
  /// afterwards does not matter. ``Model/tokenizer`` gives the one of an open model.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/notFound``, ``HobError/Code/permissionDenied``,
  ///   ``HobError/Code/invalidArgument`` (not such a file, or a broken one),
  ///   ``HobError/Code/dataLoss`` (cut short), ``HobError/Code/unimplemented`` (names the kind of
  ///   tokenizer that hob lacks).
  public convenience init(_ path: String) throws {
    var handle: OpaquePointer?
    try path.withC { path, size in
      try check { hob_tokenizer_open(&handle, path, size, $0) }
    }
    self.init(try created(handle))
  }

  /// Takes `handle` over.
  init(_ handle: Handle) {
    self.handle = handle.pointer
  }

  deinit { hob_tokenizer_destroy(handle) }

  /// Size and special tokens.
  public var info: Info {
    get throws {
      var info = chob_hob_tokenizer_info()
      try check { hob_tokenizer_get_info(&info, handle, $0) }
      return Info(
        size: Int(info.size), bosToken: known(info.bos_token), eosToken: known(info.eos_token),
        unknownToken: known(info.unknown_token), separatorToken: known(info.separator_token),
        addsBos: info.adds_bos != 0, addsEos: info.adds_eos != 0)
    }
  }

  /// Turns text into tokens.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for unknown options.
  public func encode(_ text: String, options: TextOptions = []) throws -> [Int32] {
    var tokens: UnsafeMutablePointer<Int32>?
    var count = 0
    try text.withC { text, size in
      try check { hob_tokenizer_encode(&tokens, &count, handle, text, size, options.rawValue, $0) }
    }
    return freed(tokens, count) { Array($0) }
  }

  /// Turns tokens into text; bytes that are not UTF-8 become U+FFFD. Tokens that come one by one go
  /// through a ``Detokenizer``.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func decode(_ tokens: [Int32], options: TextOptions = []) throws -> String {
    var text: UnsafeMutablePointer<CChar>?
    var size = 0
    try check {
      hob_tokenizer_decode(&text, &size, handle, tokens, tokens.count, options.rawValue, $0)
    }
    return freed(text, size) { String(bytes: $0.baseAddress, count: $0.count) }
  }

  /// The bytes of one token, which may be part of a UTF-8 character.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func bytes(of token: Int32, options: TextOptions = []) throws -> [UInt8] {
    var bytes: UnsafeMutablePointer<CChar>?
    var size = 0
    try check { hob_tokenizer_token_bytes(&bytes, &size, handle, token, options.rawValue, $0) }
    return freed(bytes, size) { $0.map { UInt8(bitPattern: $0) } }
  }

  /// The token stored as exactly `text` (`<|im_end|>`).
  ///
  /// - Throws: ``HobError``: ``HobError/Code/notFound``.
  public func token(for text: String) throws -> Int32 {
    var token: Int32 = -1
    try text.withC { text, size in
      try check { hob_tokenizer_find(&token, handle, text, size, $0) }
    }
    return token
  }

  /// What the vocabulary says of `token`.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/invalidArgument`` for a token outside the vocabulary.
  public func info(of token: Int32) throws -> TokenInfo {
    var info = chob_hob_token_info()
    try check { hob_tokenizer_get_token(&info, handle, token, $0) }
    return TokenInfo(
      kind: TokenKind(rawValue: info.kind), text: String(info.text),
      endsAnswer: info.ends_answer != 0)
  }
}
