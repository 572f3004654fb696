// SPDX-License-Identifier: Apache-2.0
import CHob

/// How a ``Model`` is opened.
public struct ModelOptions: Sendable, Hashable {
  /// How activations enter the products with block-quantised weights.
  public enum Activations: Int32, Sendable, Hashable {
    /// 16-bit integers: the answers that 32-bit floats give.
    case int16 = 0
    /// 8 bits: reads prompts faster, answers may differ.
    case int8 = 1
    /// 32-bit floats, with such a cache too: for references, slow.
    case float32 = 2
  }

  /// The element type of the key/value cache.
  public enum CacheType: Int32, Sendable, Hashable {
    case float16 = 0
    case float32 = 1
    /// int8 with a scale for each token and head: half the bytes of ``float16``, faster.
    case int8 = 2
  }

  /// How rotary positions are stretched for contexts longer than the model was trained on. A
  /// `factor` is how many times the original context the new one is, from 1 to 65536;
  /// `originalContext` is in tokens, nil or 0: the file's.
  public enum RopeScaling: Sendable, Hashable {
    /// As the file says.
    case model
    /// Not at all, whatever the file says.
    case none
    /// Positions divided by the factor.
    case linear(factor: Double, originalContext: Int? = nil)
    /// A larger base ("NTK-aware"), the same for short and long texts.
    case ntk(factor: Double, originalContext: Int? = nil)
    /// Slow frequencies alone divided by the factor.
    case yarn(factor: Double, originalContext: Int? = nil)
    /// The same as Llama 3.1 does it.
    case llama3(factor: Double, originalContext: Int? = nil)
  }

  /// Most tokens in one pass over the weights, at most 8192; nil or 0: 512.
  public var maxBatchRows: Int?
  public var activations: Activations
  public var cacheType: CacheType
  /// The tokenizer alone, no weights; no session can be made.
  public var vocabularyOnly: Bool
  /// Reads the file into memory rather than mapping it: then it may be cut short, altered or removed
  /// while the model lives. A mapped one that is cut short ends the process.
  public var copyFile: Bool
  public var ropeScaling: RopeScaling
  /// Sessions whose texts begin alike share what was computed of that: how many tokens of cache are
  /// kept for it; nil: 4096, 0: none.
  public var sharedCacheTokens: Int?

  public init(
    maxBatchRows: Int? = nil, activations: Activations = .int16, cacheType: CacheType = .float16,
    vocabularyOnly: Bool = false, copyFile: Bool = false, ropeScaling: RopeScaling = .model,
    sharedCacheTokens: Int? = nil
  ) {
    self.maxBatchRows = maxBatchRows
    self.activations = activations
    self.cacheType = cacheType
    self.vocabularyOnly = vocabularyOnly
    self.copyFile = copyFile
    self.ropeScaling = ropeScaling
    self.sharedCacheTokens = sharedCacheTokens
  }

  func c() throws -> hob_model_options {
    var options = chob_hob_model_options()
    if let maxBatchRows {
      options.max_batch_rows = try UInt32(maxBatchRows, option: "maxBatchRows")
    }
    options.activations = activations.rawValue
    options.kv_type = cacheType.rawValue
    options.vocabulary_only = vocabularyOnly ? 1 : 0
    options.copy_file = copyFile ? 1 : 0
    if let sharedCacheTokens {
      // C's 0 means the default.
      options.shared_cache_tokens =
        sharedCacheTokens == 0 ? -1 : try Int32(sharedCacheTokens, option: "sharedCacheTokens")
    }
    let (kind, factor, originalContext): (Int, Double, Int?) =
      switch ropeScaling {
      case .model: (HOB_ROPE_MODEL, 0, nil)
      case .none: (HOB_ROPE_NONE, 0, nil)
      case .linear(let factor, let original): (HOB_ROPE_LINEAR, factor, original)
      case .ntk(let factor, let original): (HOB_ROPE_NTK, factor, original)
      case .yarn(let factor, let original): (HOB_ROPE_YARN, factor, original)
      case .llama3(let factor, let original): (HOB_ROPE_LLAMA3, factor, original)
      }
    options.rope_scaling = Int32(truncatingIfNeeded: kind)
    options.rope_factor = factor
    options.rope_original_context = try UInt32(originalContext ?? 0, option: "originalContext")
    return options
  }
}

/// How text becomes tokens and back.
public struct TextOptions: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  private init(_ flag: Int) {
    self.init(rawValue: UInt32(truncatingIfNeeded: flag))
  }

  /// To tokens: add BOS, EOS, CLS, SEP as the model asks.
  public static let addSpecial = TextOptions(HOB_TEXT_ADD_SPECIAL)
  /// To tokens: read `<|im_end|>` and its like as control tokens.
  public static let parseSpecial = TextOptions(HOB_TEXT_PARSE_SPECIAL)
  /// To text: write control tokens out instead of dropping them.
  public static let showSpecial = TextOptions(HOB_TEXT_SHOW_SPECIAL)
}
