// SPDX-License-Identifier: Apache-2.0
// Writes what the fuzz targets begin with: make_seeds FOLDER fills FOLDER/<target>/ for each. Whole
// files are made by the library; programs, whose bytes mean choices, are drawn.
#include <flatbuffers/flatbuffers.h>

#include <fstream>

#include "lib/format/hob_file.h"
#include "lib/format/hob_generated.h"
#include "lib/graph/graph.h"
#include "lib/session/persist.h"
#include "lib/session/session_file.h"
#include "tests/fuzz/tiny_model.h"
#include "tests/fuzz/whole_model.h"

namespace hob::fuzz {
namespace {

std::filesystem::path g_folder;

void Write(std::string_view target, std::string_view name, std::span<const uint8_t> bytes) {
  const std::filesystem::path folder = g_folder / target;
  std::filesystem::create_directories(folder);
  std::ofstream file(folder / name, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  Require(file.good());
}
void Write(std::string_view target, std::string_view name, std::string_view text) {
  Write(target, name, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

// Programs of several lengths; `first` is the byte that chooses what they are about.
void Programs(std::string_view target, size_t count, size_t most, size_t kinds) {
  for (size_t i = 0; i < count; ++i) {
    Random random(i + 1);
    std::vector<uint8_t> bytes(1 + random.Below(most));
    for (uint8_t& byte : bytes) {
      const uint64_t drawn = random.Next();
      // Small choices more often: large ones mean exceptions.
      byte = static_cast<uint8_t>(drawn % 4 == 0 ? drawn >> 8 : (drawn >> 8) % 48);
    }
    if (kinds > 0) bytes[0] = static_cast<uint8_t>(i % kinds);
    Write(target, "program-" + std::to_string(i), bytes);
  }
}

// The model's .hob file, with its graph, and the same with products' weights as panels.
void HobFiles(uint8_t which) {
  const std::string name = "tiny-" + std::to_string(which);
  const ScratchFile gguf(MakeTiny(which).Build());
  const auto file = OpenModelFile(ScratchPath());
  Require(file.ok());
  const auto graph = BuildGraph(**file);
  Require(graph.ok());
  WeightPacking packing;
  if (which % 2 == 0) packing.panels = {"blk.0.ffn_down.weight", "blk.0.attn_output.weight"};
  const std::string path = ScratchPath() + ".hob";
  Require(WriteHobFile(**file, GraphToFile(*graph).get(), packing, path, nullptr).ok());
  std::ifstream made(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(made)), std::istreambuf_iterator<char>());
  std::remove(path.c_str());
  Write("hob_file", name + ".hob", bytes);
  format::HobHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  Write("hob_file", name + ".flatbuffer",
        std::string_view(bytes).substr(header.flatbuffer_offset, header.flatbuffer_bytes));
}

void Sessions() {
  auto model = Model::Open(SmallRuntime(), SourceDir() / "tests/fixtures/smollm-q4_1.gguf", {});
  Require(model.ok());
  for (const bool drawn : {false, true}) {
    SessionOptions options;
    options.kv_type = drawn ? DType::kF16 : DType::kQC8;
    if (drawn) options.sampler.temperature = 1.0f;
    auto session = Session::Create(*model, options);
    Require(session.ok() && (*session)->AddMessage("user", "a b").ok());
    GenerateOptions generate;
    generate.max_tokens = 3;
    Require((*session)->Generate(generate).ok());
    const auto image = SessionImage::Create(**session);
    Require(image.ok());
    std::vector<uint8_t> bytes;
    Require(image
                ->Write([&](std::span<const uint8_t> part) {
                  bytes.insert(bytes.end(), part.begin(), part.end());
                  return absl::OkStatus();
                })
                .ok());
    const std::string name = drawn ? "drawn" : "greedy";
    Write("session", name, bytes);
    SessionHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    Write("session", name + ".flatbuffer",
          std::span(bytes).subspan(sizeof(header), header.flatbuffer_bytes));
  }
}

void Texts() {
  constexpr std::string_view kTexts[] = {
      "The quick brown fox, 12 345 things.\n\n  It's (not) done!",
      "na\xC3\xAFve cafe\xCC\x81 \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x98\x80\xF0\x9F\x8F\xBD",
      "<|im_start|>user\nhi<|im_end|><s></s><start_of_turn>",
      "\xE2\x96\x81 \xE2\x96\x81\xE2\x96\x81"
      "a",
      "\xFF\xFE\xC3",
      " \t\r\n\v  ",
      "<0x41><0x-1><0xZZ>"};
  for (size_t i = 0; i < std::size(kTexts); ++i) {
    for (const char vocabulary : {0, 1, 2, 3, 4}) {
      Write("text",
            "text-" + std::to_string(i) + "-" + std::to_string(static_cast<int>(vocabulary)),
            std::string{vocabulary, 1} + std::string(kTexts[i]));
    }
    // Tokens of any of them, by two bytes each.
    Write("text", "tokens-" + std::to_string(i),
          std::string{static_cast<char>(0x80 + i), 7} + std::string(kTexts[i]));
  }
}

void Templates() {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SourceDir() / "tests/text/data/templates")) {
    std::ifstream file(entry.path());
    const std::string source((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
    Write("chat_template", entry.path().stem().string(), source);
    ++count;
  }
  Require(count > 0);
  constexpr std::string_view kSources[] = {
      "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(messages[0].content) | trim | upper }}",
      "{% set ns = namespace(a=1) %}{% for m in messages if m.role == 'user' %}{% set ns.a = ns.a "
      "+ loop.index %}"
      "{{ ns.a }}{% else %}none{% endfor %}",
      "{{ tools | tojson(indent=2) }}{{ '%05d' % n }}{{ [1, 2, 3][::-1] | join(', ') }}",
      "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}",
      "{{ 'a,b'.split(',') }}{{ {'b': 1}.items() | list }}{{ range(5) | sum }}{{ n ** 2 // 3 }}"};
  for (size_t i = 0; i < std::size(kSources); ++i) {
    Write("chat_template", "source-" + std::to_string(i), kSources[i]);
    Write(
        "chat_template", "context-" + std::to_string(i),
        std::string(kSources[i]) + '\0' +
            R"({"messages": [{"role": "user", "content": "x"}], "n": -7, "tools": {"k": [1e3, true]}})");
  }
}

// Of each kind, by its first byte, with bytes that choose the way behind a zero.
void Grammars() {
  constexpr std::string_view kSources[] = {
      R"({"type": "object", "properties": {"a": {"type": "integer", "minimum": -5, "maximum": 1e3},
          "b": {"enum": [1, "x", null]}}, "required": ["b", "c"], "additionalProperties": {"type": "null"}})",
      R"({"$defs": {"t": {"$anchor": "x", "prefixItems": [{"format": "date"}], "items": {"$ref": "#"}}},
          "oneOf": [{"$ref": "#/$defs/t"}, {"type": "string", "pattern": "^a+[^b]$"}, {"const": true}]})",
      R"({"allOf": [{"minLength": 1}, {"maxLength": 9}], "anyOf": [{"type": "string"}, {}]})",
      R"({"patternProperties": {"^x": {"exclusiveMinimum": 0.5}}, "maxProperties": 3})",
  };
  constexpr std::string_view kPatterns[] = {R"x(^(?:a|b{2,3}?)*[\d\-x-z^]+\u00e9\u{1F600}\cA$)x",
                                            "((a?){9}|[^a-z])+.", "a|^b|c$"};
  constexpr std::string_view kGbnf[] = {
      "root ::= \"a\" b* | c{2,3} # x\nb ::= [^a-z\\n] (\"x\" |\n \"y\")?\nc ::= . b+",
      "root ::= \"(\" root? \")\" root?"};
  size_t count = 0;
  const auto write = [&](char kind, std::string_view source) {
    Write("grammar", "seed-" + std::to_string(count++),
          std::string{kind} + std::string(source) + std::string{'\0', 1, 2, 3, 4, 5, 6, 7, 8});
  };
  for (const std::string_view source : kSources) write(0, source);
  for (const std::string_view source : kPatterns) write(1, source);
  for (const std::string_view source : kGbnf) write(2, source);
}

// The first byte: a chat (even) or a completion.
void Requests() {
  constexpr std::string_view kBodies[] = {
      R"(0{"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":8,"stream":true})",
      R"(0{"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"a"}]},)"
      R"({"role":"assistant","content":"b","refusal":null,"tool_calls":[]}],"temperature":0.5,)"
      R"("top_p":0.9,"seed":-7,"stop":["a","b"],"n":2,"logprobs":true,"top_logprobs":3,)"
      R"("stream":true,"stream_options":{"include_usage":true}})",
      R"(0{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":)"
      R"("json_schema","json_schema":{"name":"n","schema":{"type":"object","required":["a"]}}},)"
      R"("presence_penalty":0,"logit_bias":{},"tools":[],"modalities":["text"]})",
      R"(1{"model":"m","prompt":["a","b"],"max_tokens":1,"echo":false,"logprobs":2,"stop":"\n"})",
      R"(1{"model":"m","prompt":[[1,2],[3]],"best_of":1,"top_k":5,"min_p":0.1,"ignore_eos":true})",
      R"(200-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01)",
  };
  for (size_t i = 0; i < std::size(kBodies); ++i) {
    Write("serve_request", std::to_string(i), kBodies[i]);
  }
  Write(
      "handoff_response", "stream",
      std::string("\0\x05", 2) +
          "data: "
          "{\"choices\":[{\"delta\":{\"content\":\"caf\\u00e9\"},\"finish_reason\":\"stop\"}]}\n\n"
          "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n"
          "data: [DONE]\n\n");
  Write(
      "handoff_response", "object",
      "\x01\x05{\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{\"prompt_tokens\":1}}");
  Write("handoff_response", "error", "\x01\x05{\"error\":{\"message\":\"no room\"}}");
}

void Run() {
  Grammars();
  Write("gguf", "small.gguf", test::SmallGguf().Build());
  for (uint8_t which = 0; which < kTinyModels; ++which) {
    Write("gguf", "tiny-" + std::to_string(which), MakeTiny(which).Build());
    Write("model", "plain-" + std::to_string(which), std::vector<uint8_t>{which, 0});
    Write("model", "scaled-" + std::to_string(which), std::vector<uint8_t>{which, 0x30, which, 12});
    HobFiles(which);
  }
  Programs("model", 40, 60, kTinyModels);
  Sessions();
  Texts();
  Templates();
  Programs("chat", 60, 300, 0);
  Programs("answer", 80, 200, 4);
  Programs("kernels", 110, 60, 11);
  Programs("graph", 80, 400, 0);
  Programs("abi", 80, 300, 0);
  Requests();
  for (const std::string_view seed :
       {std::string_view("\0\2some text\0", 11), std::string_view("\3\0a b\0c", 7)}) {
    Write("tokenizer", std::to_string(seed.size()), seed);
  }
}

}  // namespace
}  // namespace hob::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_seeds FOLDER\n");
    return 2;
  }
  hob::fuzz::g_folder = argv[1];
  hob::fuzz::Run();
  return 0;
}
