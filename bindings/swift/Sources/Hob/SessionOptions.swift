// SPDX-License-Identifier: Apache-2.0
import CHob

/// How a ``Session`` is set up.
public struct SessionOptions: Sendable, Hashable {
  /// Tokens of prompt and answers; nil: the model's context length.
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

  public init(
    contextTokens: Int? = nil, sampler: SamplerOptions = .greedy, roll: Bool = false,
    speculate: Bool = false,
    keepTokens: Int = 0
  ) {
    self.contextTokens = contextTokens
    self.sampler = sampler
    self.roll = roll
    self.speculate = speculate
    self.keepTokens = keepTokens
  }

  /// Without the sampler, which C takes by a pointer.
  func c() throws -> hob_session_options {
    var options = chob_hob_session_options()
    if let contextTokens {
      options.context_tokens = try Int32(contextTokens, option: "contextTokens")
    }
    options.roll = roll ? 1 : 0
    options.speculate = speculate ? 1 : 0
    options.keep_tokens = try Int32(keepTokens, option: "keepTokens")
    return options
  }
}
