// SPDX-License-Identifier: Apache-2.0
import CHob

/// How important a line of the log is.
public enum LogLevel: Int32, Sendable, Hashable, Comparable {
  case debug = 0
  case info = 1
  case warning = 2
  case error = 3

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// How a ``Runtime`` is set up.
public struct RuntimeOptions: Sendable {
  /// Receives a line without a line break, on any thread; it should be quick.
  public typealias Log = @Sendable (LogLevel, String) -> Void

  /// Threads that compute; nil or 0: as many as the process may use.
  public var threads: Int?
  /// Lines below it are dropped.
  public var logLevel: LogLevel
  /// Where the log goes; nil: nowhere.
  public var log: Log?
  /// Answers that may be on their way at a time; nil or 0: 256.
  public var maxRequests: Int?
  /// Bytes that ``Runtime/Info/bytesInUse`` never passes: what would is
  /// ``HobError/Code/resourceExhausted``, with both numbers. Nil or 0: no limit.
  public var memoryLimit: UInt64?

  public init(
    threads: Int? = nil, logLevel: LogLevel = .info, log: Log? = nil, maxRequests: Int? = nil,
    memoryLimit: UInt64? = nil
  ) {
    self.threads = threads
    self.logLevel = logLevel
    self.log = log
    self.maxRequests = maxRequests
    self.memoryLimit = memoryLimit
  }

  func c() throws -> hob_runtime_options {
    var options = chob_hob_runtime_options()
    if let threads { options.threads = try UInt32(threads, option: "threads") }
    options.log_level = logLevel.rawValue
    if let maxRequests { options.max_requests = try UInt32(maxRequests, option: "maxRequests") }
    if let memoryLimit { options.memory_limit = memoryLimit }
    return options
  }
}

/// The threads, the memory and the log that models share. Nothing of hob is global.
///
/// Any number of threads and tasks may use one runtime at a time. It lives as long as anything made
/// from it.
public final class Runtime: Sendable {
  /// What a runtime is and takes.
  public struct Info: Sendable, Hashable {
    /// Threads that compute.
    public let threads: Int
    /// Bytes of the large memory: packed weights, caches, scratch.
    public let bytesInUse: UInt64
    /// The most that ``bytesInUse`` has been.
    public let peakBytes: UInt64
  }

  /// The library's version, such as "0.1.0".
  public static var libraryVersion: String { String(hob_version()) }

  /// The interface of the library that is running: major and minor.
  public static var interfaceVersion: (major: Int, minor: Int) {
    let version = hob_abi_version()
    return (Int(version >> 16), Int(version & 0xffff))
  }

  // Any thread may use it, so says the C interface.
  nonisolated(unsafe) let handle: OpaquePointer
  // Models and sessions hold their runtime, so this outlives all that could log.
  private let log: LogSink?

  /// Creates a runtime.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` when this was compiled for
  ///   another interface than the library that is running has, ``HobError/Code/invalidArgument``,
  ///   ``HobError/Code/resourceExhausted``.
  public init(options: RuntimeOptions = RuntimeOptions()) throws {
    var c = try options.c()
    let log = options.log.map(LogSink.init)
    if let log {
      c.log_user = Unmanaged.passUnretained(log).toOpaque()
      c.log = { user, level, message, size in
        guard let user else { return }
        Unmanaged<LogSink>.fromOpaque(user).takeUnretainedValue()
          .receive(LogLevel(rawValue: level) ?? .error, String(bytes: message, count: size))
      }
    }
    var handle: OpaquePointer?
    try check { hob_runtime_create(&handle, &c, $0) }
    self.handle = try created(handle).pointer
    self.log = log
  }

  deinit { hob_runtime_destroy(handle) }

  /// What the runtime is and takes now.
  public var info: Info {
    get throws {
      var info = chob_hob_runtime_info()
      try check { hob_runtime_get_info(&info, handle, $0) }
      return Info(
        threads: Int(info.threads), bytesInUse: info.bytes_in_use, peakBytes: info.peak_bytes)
    }
  }
}

/// A closure that C can hold.
private final class LogSink: Sendable {
  let receive: RuntimeOptions.Log

  init(_ receive: @escaping RuntimeOptions.Log) {
    self.receive = receive
  }
}
