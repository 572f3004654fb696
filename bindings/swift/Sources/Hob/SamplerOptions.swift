// SPDX-License-Identifier: Apache-2.0
import CHob

/// How the next token is chosen. As it comes it is greedy: the likeliest token, the smaller id if
/// two are equal.
public struct SamplerOptions: Sendable, Hashable {
  /// 0: greedy; else up to 100.
  public var temperature: Float
  /// Keep the k likeliest; 0: all.
  public var topK: Int
  /// Keep the likeliest that sum to p, in (0, 1]; 1: all.
  public var topP: Float
  /// Drop those below so many times the likeliest, in [0, 1); 0: none.
  public var minP: Float
  /// Above 0, at most 100; 1: none.
  public var repetitionPenalty: Float
  /// How many last tokens it looks at; 0: all.
  public var repetitionWindow: Int
  /// The same seed gives the same tokens on any machine, for the same logits.
  public var seed: UInt64

  /// The likeliest token, always.
  public static let greedy = SamplerOptions()

  public init(
    temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0,
    repetitionPenalty: Float = 1,
    repetitionWindow: Int = 64, seed: UInt64 = 0
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.repetitionPenalty = repetitionPenalty
    self.repetitionWindow = repetitionWindow
    self.seed = seed
  }

  func c() throws -> hob_sampler_options {
    var options = chob_hob_sampler_options()
    options.temperature = temperature
    options.top_k = try Int32(topK, option: "topK")
    options.top_p = topP
    options.min_p = minP
    options.repetition_penalty = repetitionPenalty
    options.repetition_window = try Int32(repetitionWindow, option: "repetitionWindow")
    options.seed = seed
    return options
  }
}
