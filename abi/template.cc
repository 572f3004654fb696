// SPDX-License-Identifier: Apache-2.0
#include <hob/template.h>

#include <span>
#include <string>
#include <vector>

#include "abi/unit_handles.h"
#include "lib/text/unicode.h"

namespace hob::abi {
namespace {

// `text` as a string of its own; INVALID_ARGUMENT with `what` unless it is UTF-8.
StatusOr<std::string> ReadText(hob_string text, std::string_view what) {
  HOB_RETURN_IF_ERROR(CheckRange(text.data, text.size, what));
  const std::string_view view = View(text.data, text.size);
  HOB_RETURN_IF_ERROR(text::CheckUtf8(view, what));
  return std::string(view);
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_chat_template_create(hob_chat_template** out, const char* source, size_t source_size,
                                    const hob_chat_template_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const std::string text, ReadText({source, source_size}, "source"));
    HOB_ASSIGN_OR_RETURN(
        const hob_chat_template_options given,
        ReadStruct(options, hob_chat_template_options(HOB_CHAT_TEMPLATE_OPTIONS_INIT),
                   "hob_chat_template_options"));
    if (given.reserved != 0) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        "hob_chat_template_options.reserved is not zero");
    }
    hob::text::ChatTemplate::Variables variables;
    HOB_ASSIGN_OR_RETURN(variables.bos_token, ReadText(given.bos_text, "bos_text"));
    HOB_ASSIGN_OR_RETURN(variables.eos_token, ReadText(given.eos_text, "eos_text"));
    HOB_ASSIGN_OR_RETURN(auto object, hob::text::ChatTemplate::Parse(text));
    *out = Adopt(new hob_chat_template{std::move(object), std::move(variables)});
    return absl::OkStatus();
  });
}

void hob_chat_template_destroy(hob_chat_template* chat_template) {
  hob::abi::Delete(chat_template);
}

hob_status hob_chat_template_render(char** out_text, size_t* out_size,
                                    const hob_chat_template* chat_template,
                                    const hob_chat_message* messages, size_t count,
                                    const hob_render_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out_text == nullptr) return NullArgument("out_text");
    if (out_size == nullptr) return NullArgument("out_size");
    HOB_RETURN_IF_ERROR(CheckLive(chat_template, "chat_template"));
    HOB_RETURN_IF_ERROR(CheckRange(messages, count, "messages"));
    HOB_ASSIGN_OR_RETURN(
        const hob_render_options given,
        ReadStruct(options, hob_render_options(HOB_RENDER_OPTIONS_INIT), "hob_render_options"));
    HOB_RETURN_IF_ERROR(
        CheckBool(given.add_generation_prompt, "hob_render_options.add_generation_prompt"));
    HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_render_options"));
    hob::text::ChatTemplate::Variables variables = chat_template->variables;
    variables.add_generation_prompt = given.add_generation_prompt != 0;
    HOB_ASSIGN_OR_RETURN(variables.extra_json,
                         ReadText(given.variables, "hob_render_options.variables"));
    std::vector<hob::text::ChatMessage> read;
    read.reserve(count);
    for (const hob_chat_message& message : std::span(messages, count)) {
      HOB_ASSIGN_OR_RETURN(std::string role, ReadText(message.role, "a role"));
      HOB_ASSIGN_OR_RETURN(std::string content, ReadText(message.content, "a content"));
      read.push_back({std::move(role), std::move(content)});
    }
    HOB_ASSIGN_OR_RETURN(const std::string text, chat_template->object->Render(read, variables));
    return CopyOut(out_text, out_size, text);
  });
}

}  // extern "C"
