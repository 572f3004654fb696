// SPDX-License-Identifier: Apache-2.0
// Chats with a model: chat MODEL [PROMPT]; without PROMPT, a message a line from standard input.
import Foundation
import Hob

let arguments = CommandLine.arguments.dropFirst()
do {
  let model = try await Model(arguments.first ?? "")
  let session = try Session(model)
  var prompts = arguments.dropFirst().makeIterator()
  let answersLines = arguments.count < 2
  while let prompt = answersLines ? readLine() : prompts.next() {
    for try await piece in session.answer(to: prompt, options: GenerateOptions(maxTokens: 256)) {
      print(piece, terminator: "")
      fflush(nil)
    }
    print()
  }
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
