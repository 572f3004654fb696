// SPDX-License-Identifier: Apache-2.0
// Every call of the C++ interface, in a program that throws nothing: every_call MODEL. Compiled by
// the compilers and in the languages that the headers promise, with and without exceptions and
// RTTI.
#include <cstdio>
#include <hob/hob_experimental.hpp>
#include <utility>

#if __cplusplus >= 202002L
#include <ranges>
#include <span>
#endif

namespace {

int failures = 0;

void Expect(bool fine, int line = __builtin_LINE()) {
  if (fine) return;
  ++failures;
  std::printf("line %d\n", line);
}
template <typename T>
void Expect(const hob::Result<T>& result, int line = __builtin_LINE()) {
  Expect(result.ok(), line);
  if (!result.ok()) std::printf("%s\n", result.error().ToString().c_str());
}

void Handles(std::string_view path) {
  hob::Result<hob::Runtime> runtime = hob::Runtime::Create();
  if (runtime.ok()) Expect(hob::GetMetrics(*runtime));
  Expect(runtime);
  Expect(runtime->Info());
  const hob_model_options model_options = hob::Model::DefaultOptions();
  Expect(hob::Model::Plan(*runtime, path, model_options));
  hob::Result<hob::Model> opened = hob::Model::Open(*runtime, path, model_options);
  Expect(opened);
  if (!opened) return;
  const hob::Model& model = *opened;
  Expect(model.Info());
  Expect(!model.Text(HOB_MODEL_ARCHITECTURE).empty());
  const auto tokens = model.Tokenize("hello");
  Expect(tokens);
  Expect(*model.Detokenize(*tokens) == "hello");
  Expect(model.TokenBytes(5));
  const auto end = model.FindToken("<|im_end|>");
  Expect(end.ok() && model.IsEndToken(*end));
  Expect(hob::Describe(model));
  const std::string_view key = "RWSTI7yA1RAOiWDAy/5PsuWZfXaudfwrzx3fIpXwcwkY/Pkoc7YEPqyA";
  Expect(hob::VerifyFile("/no/such/file", {key}).code() == HOB_NOT_FOUND);
  hob_handoff_options handoff = hob::DefaultHandoffOptions();
  handoff.url = hob::FromView("https://example.org/v1");
  handoff.model = hob::FromView("big");
  Expect(hob::Handoff::Create(*runtime, handoff));
  Expect(hob::Embedder::Create(model).code() == HOB_FAILED_PRECONDITION);  // it generates
  Expect(hob::Convert("/no/such/file", "/no/such/other").code() == HOB_NOT_FOUND);

  hob_session_options session_options = hob::Session::DefaultOptions();
  const hob_sampler_options greedy = hob::Session::GreedySampler();
  session_options.sampler = &greedy;
  auto created = hob::Session::Create(model, session_options);
  Expect(created);
  hob::Session session = *std::move(created);
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 4;
  options.ignore_eos = 1;
  Expect(session.SetSampler(greedy));
  Expect(session.AddMessage("user", "hello"));
  Expect(session.MessageCount());
  Expect(session.Message(0));
  Expect(session.Generate(options));
  Expect(session.KeepMessages(1));
  Expect(session.Generate([](std::string_view) {}, options));
  Expect(session.KeepMessages(1));
  Expect(session.Generate([](const hob_token&) { return true; }, options));
  Expect(session.KeepMessages(1));
  {
    std::string text;
    hob::TokenStream stream = session.Stream(options);
    for (const std::string_view piece : stream) text += piece;
    Expect(stream.Finish());
    Expect(stream.code() == HOB_OK);
    Expect(text == session.Reply());
    options.max_tokens = 0;
    stream = session.Stream(options);
    for (const std::string_view piece : stream) {
      if (!piece.empty()) break;
    }
    hob::TokenStream other = session.Stream(options);  // one is on its way
    Expect(other.Finish().code() == HOB_FAILED_PRECONDITION);
    Expect(session.KeepMessages(1).code() == HOB_FAILED_PRECONDITION);
    stream = std::move(other);  // ends it
    Expect(session.LastResult()->finish_reason == HOB_FINISH_CANCELLED);
    options.max_tokens = 4;
  }
  Expect(session.KeepMessages(1));
  Expect(session.Start(options));
  for (auto polled = session.Poll(-1); polled && polled->kind != HOB_POLL_END;) {
    polled = session.Poll(-1);
  }
  Expect(session.LastResult());
  Expect(session.Tokens().size() > 4);
  Expect(session.Stats());
  Expect(session.Fork());
  const auto saved = session.Save();
  Expect(saved);
  Expect(session.Restore(saved->data(), saved->size()));
  Expect(session.Save("/no/such/folder/file").code() == HOB_NOT_FOUND);
  Expect(session.Restore("/no/such/file").code() == HOB_NOT_FOUND);
  session.Cancel();
  Expect(session.Reset());
  const auto tools =
      hob::Tools::Create(model, R"([{"type": "function", "function": {"name": "f"}}])");
  Expect(tools);
  Expect(hob::SetTools(session, *tools));
  Expect(hob::ToolCalls(session)->empty());
  Expect(hob::AddMessage(session, "user", "hello", R"({"name": "someone"})"));
  Expect(*hob::MessageFields(session, 0) == R"({"name": "someone"})");
  Expect(hob::RunTools(session, {}).code() == HOB_INVALID_ARGUMENT);
  Expect(hob::DropTools(session));
  Expect(session.Reset());
  Expect(session.AddText("hello"));
  Expect(session.AddTokens({1, 2}));
  Expect(session.AddTokens(*tokens));
  size_t seen = 0;
  const auto size = static_cast<size_t>(model.Info()->vocabulary_size);
  Expect(hob::Evaluate(session, *tokens, size,
                       [&](size_t, hob::Span<const float> logits) { seen += logits.size(); }));
  Expect(seen == tokens->size() * size);
  const hob::Session given(session.release());
  Expect(given.get() != nullptr && session.get() == nullptr);

  Expect(model.GetTokenizer());
  const auto chat = model.GetChatTemplate();
  Expect(chat);
  Expect(chat->Render({{"user", "hello"}}, hob::ChatTemplate::DefaultOptions()));
}

void Text(std::string_view path) {
  const auto tokenizer = hob::Tokenizer::Open(path);
  Expect(tokenizer);
  if (!tokenizer) return;
  Expect(tokenizer->Info());
  const auto tokens = tokenizer->Encode("one € two", HOB_TEXT_PLAIN);
  Expect(tokens);
  Expect(*tokenizer->Decode(*tokens) == "one € two");
  Expect(tokenizer->TokenBytes(5));
  Expect(tokenizer->Find("<|im_end|>"));
  Expect(tokenizer->Token(5));
  auto detokenizer = hob::Detokenizer::Create(*tokenizer);
  Expect(detokenizer);
  std::string text;
  for (const int32_t token : *tokens) text += *detokenizer->Push(token);
  text += *detokenizer->Finish();
  Expect(text == "one € two");

  const auto chat = hob::ChatTemplate::Create("{{ bos_token }}{{ messages[0].content }}", "<s>");
  Expect(chat);
  const std::vector<hob::ChatMessage> messages = {{"user", "hi"}};
  Expect(*chat->Render(messages) == "<s>hi");
  Expect(!hob::ChatTemplate::Create("{{").error().message().empty());
}

void Numbers() {
  hob_sampler_options options = hob::Sampler::Greedy();
  options.temperature = 1;
  auto sampler = hob::Sampler::Create(options);
  Expect(sampler);
  const std::vector<float> logits = {1, 2, 3};
  Expect(sampler->Sample(logits));
  Expect(sampler->Probabilities(logits)->size() == 3);
  Expect(*sampler->Drawn() == 1);
  Expect(sampler->SetDrawn(5));
  Expect(sampler->Accept(2));
  Expect(sampler->Accept({0, 1}));
  Expect(sampler->Reset());

  const auto runtime = hob::Runtime::Create();
  const std::vector<float> w(64, 0.5f), x(32, 2);
  std::vector<float> y(2);
  const auto bytes = hob::Quantize(HOB_TYPE_Q8_0, w, 2, 32);
  Expect(bytes);
  const auto matrix = hob::Matrix::Create(*runtime, HOB_TYPE_Q8_0, *bytes, 2, 32);
  Expect(matrix);
  Expect(hob::Matrix::Quantize(*runtime, HOB_TYPE_Q8_0, w, 2, 32, hob::Matrix::DefaultOptions()));
  Expect(matrix->Info()->rows == 2);
  Expect(matrix->Multiply(y, x, 1));
  Expect(y[0] > 31.9f && y[0] < 32.1f && y[1] == y[0]);
  Expect(matrix->Multiply(y, x, 2).error().message() == "x or out has not that many rows");

  auto graph = hob::Graph::Create(*runtime);
  Expect(graph);
  const hob_value in = *graph->AddInput(32, "x");
  const hob_value weight = *graph->AddWeight(w, 2, "w");
  const auto product =
      graph->AddNode("matmul", {in, weight, HOB_NO_VALUE}, {2}, {{"weights", 1}}, "product");
  Expect(product);
  Expect(graph->AddOutput(*product));
  const auto program = graph->Compile();
  Expect(program);
  Expect(program->Info());
  Expect(program->Run({y.data()}, {x.data()}, 1));
  Expect(y[0] == 32);
}

void Results() {
  Expect(!hob::Version().empty() && hob::AbiVersion() == HOB_ABI_VERSION);
  hob::Result<int> three = 3;
  Expect(three.has_value() && *three == 3 && three.code() == HOB_OK);
  Expect(*hob::Result<int>(3).transform([](int x) { return x + 1; }) == 4);
  Expect(*hob::Result<int>(3).and_then([](int x) { return hob::Result<long>(x); }) == 3);
  const auto none =
      hob::Tokenizer::Open("/no/such/file").transform([](hob::Tokenizer) { return 1; });
  Expect(none.code() == HOB_NOT_FOUND);
  Expect(hob::Result<int>(hob::Error(HOB_INTERNAL)).value_or(5) == 5);
  const hob::Error error = hob::Result<int>(hob::Error(HOB_INTERNAL, "text")).TakeError();
  Expect(error.ToString() == "INTERNAL: text" && error.hint().empty());
#if HOB_HAS_EXCEPTIONS
  Expect(hob::Result<int>(3).value() == 3);
#endif
#if __cplusplus >= 202002L && defined(__cpp_lib_span)
  const std::vector<int> values = {1, 2};
  const hob::Span<const int> span = values;
  const std::span<const int> standard = span;
  const hob::Span<const int> back = standard;
  Expect(back.data() == values.data() && standard.size() == 2);
  static_assert(std::ranges::contiguous_range<hob::Span<int>>);
  static_assert(std::input_iterator<hob::TokenStream::Iterator>);
  static_assert(std::ranges::input_range<hob::TokenStream>);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view path = argc > 1 ? argv[1] : "";
  Handles(path);
  Text(path);
  Numbers();
  Results();
  return failures;
}
