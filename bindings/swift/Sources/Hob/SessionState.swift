// SPDX-License-Identifier: Apache-2.0
// Sessions that go on from others: forked, saved, restored.
import CHob

extension Session {
  /// Another session that goes on from where this one is: the same messages or text, sampler state
  /// and cache, whose memory both share until one writes to it.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` while this one answers;
  ///   ``HobError/Code/resourceExhausted``.
  public func fork() throws -> Session {
    try settle()
    var copy: OpaquePointer?
    try call { hob_session_fork(&copy, $0, $1) }
    return Session(model, handle: try created(copy))
  }

  /// Saves the session to a file, whole or not at all: messages or raw text, the last answer, the
  /// cache, and all options, with the state of the sampler. A file that exists is replaced.
  ///
  /// What was saved is bound to the model's file, to its activations and cache type, and to the
  /// version of the format. The first save or restore of a model reads its whole file once.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` while an answer is on its way;
  ///   what writing a file gives, and then it is as it was.
  public func save(to path: String) throws {
    try settle()
    try path.withC { path, size in
      try call { hob_session_save($0, path, size, $1) }
    }
  }

  /// The same bytes in memory.
  public func save() throws -> [UInt8] {
    try settle()
    var data: UnsafeMutableRawPointer?
    var size = 0
    try call { hob_session_save_buffer(&data, &size, $0, $1) }
    defer { hob_free(data) }
    return Array(UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : size))
  }

  /// Makes the session the one that was saved: it answers bit for bit as that one would have.
  ///
  /// Its options become the saved ones; only a context that is larger than what this session was
  /// created with is cut to that. A failed restore leaves it as it was.
  ///
  /// - Throws: ``HobError``: ``HobError/Code/failedPrecondition`` while an answer is on its way, or
  ///   where the model or its options are others; ``HobError/Code/outOfRange``, with both numbers,
  ///   if the context is too small; ``HobError/Code/dataLoss`` (cut short or damaged);
  ///   ``HobError/Code/invalidArgument`` (not a saved session); ``HobError/Code/unimplemented``
  ///   (another version of the format); ``HobError/Code/resourceExhausted``; what reading a file
  ///   gives.
  public func restore(from path: String) throws {
    try settle()
    try path.withC { path, size in
      try call { hob_session_restore($0, path, size, $1) }
    }
  }

  /// The same from memory.
  public func restore(from bytes: [UInt8]) throws {
    try settle()
    try bytes.withUnsafeBytes { bytes in
      try call { hob_session_restore_buffer($0, bytes.baseAddress, bytes.count, $1) }
    }
  }
}
