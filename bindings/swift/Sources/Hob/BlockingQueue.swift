// SPDX-License-Identifier: Apache-2.0
import Dispatch

/// A serial queue of its own thread for what blocks, so that none of the few threads of Swift's
/// cooperative pool is held up; as an executor it is where an actor's code runs.
///
/// A queue without a target is served by Dispatch's overcommitting threads: one that waits takes no
/// other's turn.
final class BlockingQueue: SerialExecutor {
  private let queue: DispatchQueue

  init(_ label: String) {
    queue = DispatchQueue(label: label)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  /// Runs `work` later, for whoever does not wait for it.
  func later(_ work: @escaping @Sendable () -> Void) {
    queue.async(execute: work)
  }

  /// Runs `work` and waits for it without holding up a thread of the pool.
  func run<R: Sendable>(_ work: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: work)) }
    }
  }
}
