// SPDX-License-Identifier: Apache-2.0
import CHob

/// Why an answer ended. A newer library may know further reasons.
public struct FinishReason: RawRepresentable, Sendable, Hashable {
  public var rawValue: Int32

  public init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  private init(_ reason: Int) {
    self.init(rawValue: Int32(truncatingIfNeeded: reason))
  }

  /// The model ended its answer.
  public static let end = FinishReason(HOB_FINISH_END)
  /// ``GenerateOptions/maxTokens`` is reached.
  public static let length = FinishReason(HOB_FINISH_LENGTH)
  /// One of ``GenerateOptions/stops`` came.
  public static let stop = FinishReason(HOB_FINISH_STOP)
  /// Its task, ``Session/cancel()`` or letting the stream go ended it.
  public static let cancelled = FinishReason(HOB_FINISH_CANCELLED)
  /// There is no room for a further token.
  public static let contextFull = FinishReason(HOB_FINISH_CONTEXT_FULL)
  /// ``GenerateOptions/maxTime`` is over.
  public static let time = FinishReason(HOB_FINISH_TIME)
  /// The model called tools.
  public static let toolCalls = FinishReason(HOB_FINISH_TOOL_CALLS)
}

/// A whole answer and how it ended.
public struct Reply: Sendable, Hashable, CustomStringConvertible {
  public let text: String
  public let finishReason: FinishReason
  /// Which of ``GenerateOptions/stops`` came.
  public let stopIndex: Int?
  /// All tokens that the answer rests on, cached ones included.
  public let promptTokens: Int
  /// Of them, found in the cache.
  public let cachedTokens: Int
  /// Tokens chosen, one that ended the answer included.
  public let generatedTokens: Int
  /// Tokens of the conversation that a session which rolls sees no more.
  public let droppedTokens: Int

  init(text: String, _ result: hob_generate_result) {
    self.text = text
    finishReason = FinishReason(rawValue: result.finish_reason)
    stopIndex = result.stop_index < 0 ? nil : Int(result.stop_index)
    promptTokens = Int(result.prompt_tokens)
    cachedTokens = Int(result.cached_tokens)
    generatedTokens = Int(result.generated_tokens)
    droppedTokens = Int(result.dropped_tokens)
  }

  /// The text.
  public var description: String { text }
}

/// What the last answer of a ``Session`` took.
public struct SessionStats: Sendable, Hashable {
  public let contextTokens: Int
  public let promptTokens: Int
  public let cachedTokens: Int
  public let generatedTokens: Int
  public let timeToFirstToken: Duration
  /// Over ``promptTokens`` - ``cachedTokens``.
  public let prefill: Duration
  /// Over ``generatedTokens`` - 1: the first one comes with the prefill.
  public let decode: Duration
  public let prefillTokensPerSecond: Double
  public let decodeTokensPerSecond: Double
  /// Of the cache that the session holds, that of its draft model included.
  public let cacheBytes: UInt64
  /// Of the runtime.
  public let peakBytes: UInt64
  /// By ``SessionOptions/speculate`` or a draft model.
  public let guessedTokens: Int
  /// Of them, those that the model chose, too.
  public let rightTokens: Int

  init(_ stats: hob_session_stats) {
    contextTokens = Int(stats.context_tokens)
    promptTokens = Int(stats.prompt_tokens)
    cachedTokens = Int(stats.cached_tokens)
    generatedTokens = Int(stats.generated_tokens)
    timeToFirstToken = .nanoseconds(stats.time_to_first_token_ns)
    prefill = .nanoseconds(stats.prefill_ns)
    decode = .nanoseconds(stats.decode_ns)
    prefillTokensPerSecond = stats.prefill_tokens_per_second
    decodeTokensPerSecond = stats.decode_tokens_per_second
    cacheBytes = stats.cache_bytes
    peakBytes = stats.peak_bytes
    guessedTokens = Int(stats.guessed_tokens)
    rightTokens = Int(stats.right_tokens)
  }
}
