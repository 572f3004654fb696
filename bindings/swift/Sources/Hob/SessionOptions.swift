// SPDX-License-Identifier: Apache-2.0
import CHob

/// How a ``Session`` is set up.
public struct SessionOptions: Sendable, Hashable {
  /// Tokens of prompt and answers; nil or 0: the model's context length.
  public var contextTokens: Int?
  public var sampler: SamplerOptions
  /// Where the context is full, go on with a part of it, without end: the first ``keepTokens`` and
  /// the latest tokens stay, and half of the rest is dropped at a time. The model then reads what
  /// stays anew.
  public var roll: Bool
  /// Guess tokens that the prompt has after the same words, and check several in one pass (prompt
  /// lookup). The answer is the same, bit for bit; one that repeats its prompt, as edits and
  /// summaries do, comes faster.
  public var speculate: Bool
  /// At most half the context; 0 unless ``roll``.
  public var keepTokens: Int
  /// The element type of its cache; nil: as the model was opened. Sessions of one model with caches
  /// of several types run together.
  public var kvType: ModelOptions.CacheType?
  /// A smaller model of the same runtime and vocabulary, which guesses tokens as ``speculate`` does:
  /// the answer is the same, bit for bit, and comes faster where it often guesses right. It lives as
  /// long as sessions need it.
  public var draft: Model?
  /// Tokens that ``draft`` guesses at a time, at most 15; nil or 0: as many as pay, none where
  /// guessing does not.
  public var draftTokens: Int?

  public init(
    contextTokens: Int? = nil, sampler: SamplerOptions = .greedy, roll: Bool = false,
    speculate: Bool = false, keepTokens: Int = 0, kvType: ModelOptions.CacheType? = nil,
    draft: Model? = nil, draftTokens: Int? = nil
  ) {
    self.contextTokens = contextTokens
    self.sampler = sampler
    self.roll = roll
    self.speculate = speculate
    self.keepTokens = keepTokens
    self.kvType = kvType
    self.draft = draft
    self.draftTokens = draftTokens
  }

  /// Without the sampler, which C takes by a pointer. The options keep the draft model alive: they
  /// are to outlive the call.
  func c() throws -> hob_session_options {
    var options = chob_hob_session_options()
    if let contextTokens {
      options.context_tokens = try Int32(contextTokens, option: "contextTokens")
    }
    options.roll = roll ? 1 : 0
    options.speculate = speculate ? 1 : 0
    options.keep_tokens = try Int32(keepTokens, option: "keepTokens")
    if let kvType { options.kv_type = kvType.rawValue }
    options.draft = draft?.handle
    if let draftTokens { options.draft_tokens = try Int32(draftTokens, option: "draftTokens") }
    return options
  }
}
