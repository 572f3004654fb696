// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Hob

@Suite struct ConcurrencyTests {
  @Test func manySessionsSideBySide() async throws {
    let model = try await Model(Files.fixture())
    let prompts = (0..<32).map { "Prompt number \($0)" }
    var alone: [String] = []
    for prompt in prompts.prefix(4) {
      alone.append(try await Session(model).respond(to: prompt, options: .exactly(40)).text)
    }
    let together = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for (index, prompt) in prompts.enumerated() {
        group.addTask {
          let pieces = try await collect(Session(model).answer(to: prompt, options: .exactly(40)))
          return (index, pieces.joined())
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(together.count == prompts.count)
    for (index, text) in alone.enumerated() { #expect(together[index] == text) }
  }

  @Test func respondsOfOneSessionWaitForEachOther() async throws {
    let session = try Session(await Model(Files.fixture()))
    async let one = session.respond(to: "One", options: .exactly(40))
    async let two = session.respond(to: "Two", options: .exactly(40))
    let replies = try await [one, two]
    let messages = try await session.messages
    #expect(messages.map(\.role) == [.user, .assistant, .user, .assistant])
    #expect(Set(messages.map(\.text)) == Set(["One", "Two"] + replies.map(\.text)))
    // Each answer is that to the message before it.
    let answers = ["One": replies[0].text, "Two": replies[1].text]
    for index in [0, 2] {
      #expect(answers[messages[index].text] == messages[index + 1].text)
    }
  }

  /// What blocks does so on threads of its own: other tasks go on, even where there are more of
  /// them than processors.
  @Test func thePoolIsNotHeldUp() async throws {
    let blocked = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<24 {
          group.addTask { try await BlockingQueue("test.\(index)").run { _ = usleep(400_000) } }
        }
        try await group.waitForAll()
      }
    }
    let clock = ContinuousClock()
    let start = clock.now
    var ticks = 0
    while clock.now - start < .milliseconds(200) {
      try await Task.sleep(for: .milliseconds(5))
      ticks += 1
    }
    #expect(ticks > 5)
    try await blocked.value
    #expect(clock.now - start < .seconds(4), "24 waits of 0.4 s were not side by side")
  }

  @Test func aSessionsCodeRunsOnItsQueue() async throws {
    let session = try Session(await Model(Files.fixture()))
    func queue(_ session: isolated Session) { session.queue.preconditionIsolated() }
    await queue(session)
  }
}
