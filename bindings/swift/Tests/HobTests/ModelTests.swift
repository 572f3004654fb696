// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hob
import Synchronization
import Testing

@Suite struct ModelTests {
  @Test func errorsSayWhatWhereAndWhatToDo() async throws {
    let error = try #require(await expect(.notFound) { try await Model("/no/such/file.gguf") })
    #expect(error.message.contains("/no/such/file.gguf"))
    #expect(error.description.hasPrefix("NOT_FOUND: "))
    let broken = try Files.temporary("broken.gguf")
    try Data("This is no model at all.".utf8).write(to: URL(fileURLWithPath: broken))
    await expect(.invalidArgument) { try await Model(broken) }
  }

  @Test func versions() {
    #expect(Runtime.libraryVersion.split(separator: ".").count == 3)
    #expect(Runtime.interfaceVersion >= (0, 1))
  }

  @Test func infoAndTexts() async throws {
    let model = try await Model(Files.fixture())
    let info = try model.info
    #expect(
      info.vocabularySize > 0 && info.layers > 0 && info.contextLength > 0 && info.parameters > 0)
    #expect(info.hasChatTemplate && info.eosToken != nil)
    #expect(try model.text(.architecture) == "llama")
    #expect(try model.text(.container).hasPrefix("GGUF"))
    #expect(try model.text(.path) == Files.fixture())
    #expect(try model.text(.hash).count == 32)
  }

  @Test func tokenizer() async throws {
    let model = try await Model(Files.fixture(), options: ModelOptions(vocabularyOnly: true))
    let text = "Grüße, 世界! 🙂"
    let tokens = try model.tokenize(text)
    #expect(try model.detokenize(tokens) == text)
    #expect(try tokens.flatMap { try model.bytes(of: $0) } == Array(text.utf8))
    #expect(try model.tokenize("") == [] && model.detokenize([]) == "")
    let end = try model.token(for: "<|eot_id|>")
    #expect(try model.tokenize("<|eot_id|>", options: .parseSpecial) == [end])
    #expect(try model.tokenize("<|eot_id|>") != [end])
    #expect(try model.detokenize([end], options: .showSpecial) == "<|eot_id|>")
    #expect(try model.isEndToken(end))
    await expect(.notFound) { try model.token(for: "no such token") }
    await expect(.invalidArgument) { try model.detokenize([-5]) }
    await expect(.failedPrecondition) { try Session(model) }
  }

  @Test func planIsWhatOpeningTakes() async throws {
    let runtime = try Runtime(options: RuntimeOptions(threads: 2))
    let plan = try Model.plan(Files.fixture(), runtime: runtime)
    #expect(try runtime.info.bytesInUse == 0)
    let model = try await Model(Files.fixture(), runtime: runtime)
    #expect(try runtime.info.bytesInUse == plan.openBytes)
    #expect(plan.sessionBytes(tokens: plan.contextLength) == plan.sessionBytes)
    #expect(plan.sessionBytes(tokens: 1) == plan.kvPageBytes && plan.sessionBytes(tokens: 0) == 0)
    #expect(try model.info.contextLength == plan.contextLength)
  }

  @Test func memoryLimit() async throws {
    let runtime = try Runtime(options: RuntimeOptions(memoryLimit: 1000))
    let error = await expect(.resourceExhausted) {
      try await Model(Files.fixture(), runtime: runtime)
    }
    #expect(
      error?.message.contains("1000") == true || error?.message.contains("1,000") == true,
      "\(String(describing: error))")
  }

  @Test func progress() async throws {
    let seen = Mutex<[Model.Progress]>([])
    _ = try await Model(Files.fixture()) { progress in seen.withLock { $0.append(progress) } }
    let all = seen.withLock { $0 }
    #expect(all.last?.fraction == 1)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.doneBytes <= $1.doneBytes })
  }

  @Test func openingIsCancelledWithItsTask() async throws {
    let runtime = try Runtime()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await Model(Files.fixture(), runtime: runtime)
    }
    await #expect(throws: CancellationError.self) { try await task.value }

    let begun = Atomic(false)
    let go = Atomic(false)
    let late = Task {
      try await Model(Files.fixture(), runtime: runtime) { _ in
        begun.store(true, ordering: .sequentiallyConsistent)
        while !go.load(ordering: .sequentiallyConsistent) { usleep(1000) }
      }
    }
    while !begun.load(ordering: .sequentiallyConsistent) {
      try await Task.sleep(for: .milliseconds(1))
    }
    late.cancel()
    go.store(true, ordering: .sequentiallyConsistent)
    await #expect(throws: CancellationError.self) { try await late.value }
    #expect(try runtime.info.bytesInUse == 0)
  }

  @Test func logGoesToAClosure() async throws {
    // A template that hob cannot read is worth a line of the log, no more.
    var file = try Data(contentsOf: URL(fileURLWithPath: Files.fixture()))
    let place = try #require(file.range(of: Data("{% for".utf8)))
    file.replaceSubrange(place, with: Data("{% fxr".utf8))
    let path = try Files.temporary("template.gguf")
    try file.write(to: URL(fileURLWithPath: path))
    let lines = Mutex<[(LogLevel, String)]>([])
    let options = RuntimeOptions(log: { level, line in lines.withLock { $0.append((level, line)) } }
    )
    let model = try await Model(path, runtime: Runtime(options: options))
    #expect(lines.withLock { $0.contains { $0.0 == .warning && $0.1.contains(path) } })
    await expect(.invalidArgument) { try await Session(model).respond(to: "Hello") }
  }

  @Test func oneModelForManyTasks() async throws {
    let model = try await Model(Files.fixture())
    let expected = try model.tokenize("one two three")
    try await withThrowingTaskGroup(of: [Int32].self) { group in
      for _ in 0..<16 { group.addTask { try model.tokenize("one two three") } }
      for try await tokens in group { #expect(tokens == expected) }
    }
  }
}
