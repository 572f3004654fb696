// SPDX-License-Identifier: Apache-2.0
// Chat templates without a model: hob/template.h.
#include "tests/abi/units.h"

using namespace hob::test;

namespace {

constexpr std::string_view kTemplate =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}{{ mood }}";

std::string Render(const hob_chat_template* chat_template,
                   const std::vector<hob_chat_message>& messages,
                   const hob_render_options* options = nullptr) {
  char* text = nullptr;
  size_t size = 0;
  REQUIRE_OK(hob_chat_template_render(&text, &size, chat_template, messages.data(), messages.size(),
                                      options, &error));
  std::string copy(text, size);
  hob_free(text);
  return copy;
}

Outcome Create(std::string_view source, const hob_chat_template_options* options = nullptr) {
  hob_chat_template* out = nullptr;
  return Try([&](auto e) {
    return hob_chat_template_create(&out, source.data(), source.size(), options, e);
  });
}

}  // namespace

TEST_CASE("a template renders messages with the texts and variables it is given") {
  std::string bos = "<s>", eos = "</s>", source(kTemplate);
  hob_chat_template_options options = HOB_CHAT_TEMPLATE_OPTIONS_INIT;
  options.bos_text = Piece(bos);
  options.eos_text = Piece(eos);
  const TemplatePtr made = MakeTemplate(source, &options);
  bos = eos = source = "xxxxxxxxxxxx";  // copied
  const std::vector<hob_chat_message> messages = {{Piece("user"), Piece("hi")},
                                                  {Piece("assistant"), Piece("{{ no }}")}};
  CHECK(Render(made.get(), messages) == "<s>[user] hi</s>[assistant] {{ no }}</s>[assistant]");
  hob_render_options render = HOB_RENDER_OPTIONS_INIT;
  render.add_generation_prompt = 0;
  render.variables = Piece(R"({"mood": "glad"})");
  CHECK(Render(made.get(), messages, &render) == "<s>[user] hi</s>[assistant] {{ no }}</s>glad");
  CHECK(Render(MakeTemplate(kTemplate).get(), {}) == "[assistant]");
}

TEST_CASE("a model's chat template renders as its sessions do, and outlives it") {
  hob_chat_template* out = nullptr;
  {
    const RuntimePtr runtime = MakeRuntime(1);
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
    REQUIRE_OK(hob_model_get_chat_template(&out, model.get(), &error));
  }
  const TemplatePtr made(out);
  CHECK(Render(made.get(), {{Piece("user"), Piece("hi")}}) ==
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_CASE("broken templates and options are refused with the place") {
  const Outcome open = Create("line one\n{% for x in y %}");
  CHECK(open.status == HOB_INVALID_ARGUMENT);
  INFO(open.message);
  CHECK(open.message.find("line 2") != std::string::npos);
  CHECK(Create("{{ x | no_such_filter }}").status == HOB_UNIMPLEMENTED);
  CHECK(Create("\xFF").message.find("byte 0") != std::string::npos);

  hob_chat_template_options options = HOB_CHAT_TEMPLATE_OPTIONS_INIT;
  options.reserved = 1;
  CHECK(Create("x", &options).message.find("reserved") != std::string::npos);
  options = HOB_CHAT_TEMPLATE_OPTIONS_INIT;
  options.eos_text = Piece("\xFF");
  CHECK(Create("x", &options).message.find("eos_text") != std::string::npos);
  options.eos_text = {nullptr, 4};
  CHECK(Create("x", &options).message.find("NULL") != std::string::npos);
}

TEST_CASE("what a template cannot render is an error") {
  char* text = nullptr;
  size_t size = 0;
  const auto render = [&](std::string_view source, std::vector<hob_chat_message> messages,
                          hob_render_options options = HOB_RENDER_OPTIONS_INIT) {
    const TemplatePtr made = MakeTemplate(source);
    return Try([&](auto e) {
      return hob_chat_template_render(&text, &size, made.get(), messages.data(), messages.size(),
                                      &options, e);
    });
  };
  const Outcome raised = render("{{ raise_exception('roles must alternate') }}", {});
  CHECK(raised.status == HOB_INVALID_ARGUMENT);
  CHECK(raised.message.find("roles must alternate") != std::string::npos);
  CHECK(render("{% for i in range(100000000) %}x{% endfor %}", {}).status ==
        HOB_RESOURCE_EXHAUSTED);
  CHECK(render(kTemplate, {{Piece("user"), Piece("\xE2\x82")}}).message.find("content") !=
        std::string::npos);
  CHECK(render(kTemplate, {{Piece("\xFF"), Piece("x")}}).message.find("role") != std::string::npos);
  hob_render_options options = HOB_RENDER_OPTIONS_INIT;
  options.variables = Piece("[1]");
  CHECK(render(kTemplate, {}, options).status == HOB_INVALID_ARGUMENT);
  options = HOB_RENDER_OPTIONS_INIT;
  options.add_generation_prompt = 2;
  CHECK(render(kTemplate, {}, options).message.find("add_generation_prompt") != std::string::npos);
  options = HOB_RENDER_OPTIONS_INIT;
  options.reserved[1] = 1;
  CHECK(render(kTemplate, {}, options).message.find("reserved") != std::string::npos);
  CHECK(text == nullptr);
}
