// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hob
import Testing

/// Tokenizer and chat template without a model.
@Suite struct PieceTests {
  private let text = "Grüße, 世界! 🙂"

  @Test func tokenizer() async throws {
    let tokenizer = try Tokenizer(Files.fixture())
    let tokens = try tokenizer.encode(text)
    #expect(try tokenizer.decode(tokens) == text)
    #expect(try tokens.flatMap { try tokenizer.bytes(of: $0) } == Array(text.utf8))
    #expect(try tokenizer.encode("") == [] && tokenizer.decode([]) == "")
    let end = try tokenizer.token(for: "<|eot_id|>")
    #expect(try tokenizer.encode("<|eot_id|>", options: .parseSpecial) == [end])
    #expect(try tokenizer.decode([end], options: .showSpecial) == "<|eot_id|>")
    let token = try tokenizer.info(of: end)
    #expect(token.kind == .control && token.text == "<|eot_id|>" && token.endsAnswer)
    #expect(try tokenizer.info(of: tokens[0]).kind == .normal)
    let info = try tokenizer.info
    let model = try await Model(Files.fixture(), options: ModelOptions(vocabularyOnly: true))
    #expect(try info.size == model.info.vocabularySize && info.eosToken == model.info.eosToken)
    #expect(try model.tokenize(text) == tokens)
    await expect(.notFound) { try tokenizer.token(for: "no such token") }
    await expect(.invalidArgument) { try tokenizer.decode([-5]) }
    await expect(.invalidArgument) { try tokenizer.info(of: 1 << 30) }
    await expect(.notFound) { try Tokenizer("/no/such/file.gguf") }
  }

  @Test func itOutlivesItsModel() async throws {
    var model: Model? = try await Model(Files.fixture())
    let tokenizer = try #require(model).tokenizer
    let template = try #require(model).chatTemplate
    model = nil
    #expect(try tokenizer.decode(tokenizer.encode(text)) == text)
    #expect(try template.render([Message(role: .user, text: "Hello")]).contains("Hello"))
  }

  @Test func detokenizerGivesWholeCharacters() async throws {
    let detokenizer: Detokenizer
    let tokens: [Int32]
    do {
      let tokenizer = try Tokenizer(Files.fixture())
      tokens = try tokenizer.encode(text)
      detokenizer = try Detokenizer(tokenizer)
    }
    let pieces = try tokens.map { try detokenizer.push($0) }
    #expect(pieces.joined() == text && !pieces.joined().contains("\u{FFFD}"))
    #expect(try detokenizer.finish() == "")
    await #expect(throws: HobError.self) { _ = try detokenizer.push(-5) }
    for token in tokens.dropLast() { _ = try detokenizer.push(token) }
    _ = try detokenizer.finish()
    #expect(try detokenizer.push(tokens[0]) == pieces[0])
  }

  @Test func chatTemplate() async throws {
    let template = try ChatTemplate(
      """
      {{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}\
      {% if add_generation_prompt %}[assistant]{% endif %}{{ mood }}
      """, bos: "<s>", eos: "</s>")
    let messages = [
      Message(role: .system, text: "Be brief."), Message(role: .user, text: "Grüße"),
    ]
    let expected = "<s>[system]Be brief.</s>[user]Grüße</s>"
    #expect(try template.render(messages) == expected + "[assistant]")
    #expect(try template.render(messages, addGenerationPrompt: false) == expected)
    let glad = try template.render(messages, variables: #"{"mood": "glad"}"#)
    #expect(glad == expected + "[assistant]glad")
    #expect(try template.render([], addGenerationPrompt: false) == "<s>")
    let error = await expect(.invalidArgument) { try ChatTemplate("one\n{% fxr %}") }
    #expect(error?.message.contains("2") == true)
    await expect(.invalidArgument) { try template.render(messages, variables: "[1]") }
  }
}
