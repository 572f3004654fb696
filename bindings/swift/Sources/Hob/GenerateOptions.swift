// SPDX-License-Identifier: Apache-2.0
import CHob

/// When an answer ends, and how urgent it is.
public struct GenerateOptions: Sendable, Hashable {
  /// Tokens of the answer; nil or 0: until the context is full.
  public var maxTokens: Int?
  /// Texts, not empty, that end the answer and are not part of it: at most 64, each at most 4096
  /// bytes.
  public var stops: [String]
  /// Tokens that end an answer are tokens like any other.
  public var ignoreEnd: Bool
  /// Against the runtime's other answers: higher ones are always served first.
  public var priority: Int
  /// From the start, after which the answer ends as it is; nil: any.
  public var maxTime: Duration?

  public init(
    maxTokens: Int? = nil, stops: [String] = [], ignoreEnd: Bool = false, priority: Int = 0,
    maxTime: Duration? = nil
  ) {
    self.maxTokens = maxTokens
    self.stops = stops
    self.ignoreEnd = ignoreEnd
    self.priority = priority
    self.maxTime = maxTime
  }

  /// Hands out the options as C takes them, valid for the call.
  func withC<R>(_ body: (UnsafePointer<hob_generate_options>) throws -> R) throws -> R {
    var options = chob_hob_generate_options()
    if let maxTokens { options.max_tokens = try Int32(maxTokens, option: "maxTokens") }
    options.ignore_eos = ignoreEnd ? 1 : 0
    options.priority = try Int32(priority, option: "priority")
    // C's 0 means any time: an empty one is the shortest.
    if let maxTime { options.max_time_ms = max(1, maxTime.milliseconds) }
    return try stops.withC { stops, count in
      options.stops = count == 0 ? nil : stops
      options.stop_count = count
      return try body(&options)
    }
  }
}
