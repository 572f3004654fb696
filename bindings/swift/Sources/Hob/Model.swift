// SPDX-License-Identifier: Apache-2.0
import CHob
import Synchronization

/// Weights and tokenizer of one file, loaded once and shared by any number of sessions.
///
/// Immutable once open: any number of threads and tasks may use one model at a time. It lives as
/// long as any ``Session`` made from it.
///
/// ```swift
/// let model = try await Model("SmolLM2-135M-Instruct.Q4_1.gguf")
/// ```
public final class Model: Sendable {
  /// How far opening a file is.
  public struct Progress: Sendable, Hashable {
    public let doneBytes: UInt64
    public let totalBytes: UInt64
    /// From 0 to 1.
    public var fraction: Double { totalBytes == 0 ? 0 : Double(doneBytes) / Double(totalBytes) }
  }

  /// The runtime that the model computes on.
  public let runtime: Runtime
  // Any thread may use it, so says the C interface.
  nonisolated(unsafe) let handle: OpaquePointer

  /// Opens a GGUF or .hob file, checks it, and makes its weights ready.
  ///
  /// The work is done on a thread of its own. Cancelling the task ends it and leaves nothing
  /// behind. The file is mapped and must not change while the model lives.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - runtime: What it computes on; nil: a new one, with defaults.
  ///   - options: How it is opened.
  ///   - progress: Told how far it is, on that thread.
  /// - Throws: `CancellationError`; ``HobError``: ``HobError/Code/notFound``,
  ///   ``HobError/Code/permissionDenied``, ``HobError/Code/invalidArgument`` (not a model, or a
  ///   broken one), ``HobError/Code/dataLoss`` (cut short), ``HobError/Code/unimplemented`` (names
  ///   the family, tensor type or tokenizer that hob lacks), ``HobError/Code/failedPrecondition``
  ///   (a model without rotary positions cannot have them scaled),
  ///   ``HobError/Code/resourceExhausted`` (with the bytes needed and what would fit).
  public init(
    _ path: String, runtime: Runtime? = nil, options: ModelOptions = ModelOptions(),
    progress: (@Sendable (Progress) -> Void)? = nil
  ) async throws {
    let runtime = try runtime ?? Runtime()
    let opening = Opening(progress)
    let handle = try await withTaskCancellationHandler {
      try await BlockingQueue("hob.model").run {
        try opening.open(path, runtime, options)
      }
    } onCancel: {
      opening.cancel()
    }
    self.runtime = runtime
    self.handle = handle.pointer
  }

  deinit { hob_model_destroy(handle) }

  /// Tells what opening with the same arguments would take, before anything is allocated; the
  /// runtime's ``RuntimeOptions/memoryLimit`` is not looked at.
  ///
  /// - Throws: As ``init(_:runtime:options:progress:)``.
  public static func plan(
    _ path: String, runtime: Runtime? = nil, options: ModelOptions = ModelOptions()
  ) throws -> Plan {
    let runtime = try runtime ?? Runtime()
    var plan = chob_hob_model_plan_info()
    var c = try options.c()
    try path.withC { path, size in
      try check { hob_model_plan(&plan, runtime.handle, path, size, &c, $0) }
    }
    return Plan(plan)
  }

  /// What the model is.
  public var info: Info {
    get throws {
      var info = chob_hob_model_info()
      try check { hob_model_get_info(&info, handle, $0) }
      return Info(info)
    }
  }

  /// A text that the model's file has; empty if it has none.
  public func text(_ which: Text) throws -> String {
    var text = hob_string()
    try check { hob_model_get_text(&text, handle, which.rawValue, $0) }
    return String(text)
  }
}

/// A model is equal to itself alone.
extension Model: Hashable {
  public static func == (left: Model, right: Model) -> Bool { left === right }

  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// One file on its way to become a model.
private final class Opening: Sendable {
  let progress: (@Sendable (Model.Progress) -> Void)?
  private let cancelled = Atomic(false)

  init(_ progress: (@Sendable (Model.Progress) -> Void)?) {
    self.progress = progress
  }

  func cancel() { cancelled.store(true, ordering: .relaxed) }

  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  func open(_ path: String, _ runtime: Runtime, _ options: ModelOptions) throws -> Handle {
    if isCancelled { throw CancellationError() }
    var c = try options.c()
    c.progress_user = Unmanaged.passUnretained(self).toOpaque()
    c.progress = { user, done, total in
      guard let user else { return 0 }
      let opening = Unmanaged<Opening>.fromOpaque(user).takeUnretainedValue()
      opening.progress?(Model.Progress(doneBytes: done, totalBytes: total))
      return opening.isCancelled ? 1 : 0
    }
    var handle: OpaquePointer?
    do {
      try path.withC { path, size in
        try check { hob_model_open(&handle, runtime.handle, path, size, &c, $0) }
      }
    } catch let error as HobError where error.code == .cancelled {
      throw CancellationError()
    }
    return try created(handle)
  }
}
