// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_TEMPLATE_HPP_
#define HOB_TEMPLATE_HPP_

#include <hob/template.h>

#include <hob/error.hpp>
#include <hob/span.hpp>
#include <hob/tokenizer.hpp>
#include <vector>

namespace hob {
inline namespace v0 {

struct ChatMessage {
  std::string_view role, content;
};

// Owns a hob_chat_template: see template.h. Movable, not copyable.
class ChatTemplate {
 public:
  static hob_render_options DefaultOptions() { return HOB_RENDER_OPTIONS_INIT; }

  static Result<ChatTemplate> Create(std::string_view source, std::string_view bos_text = {},
                                     std::string_view eos_text = {}) {
    hob_chat_template_options options = HOB_CHAT_TEMPLATE_OPTIONS_INIT;
    options.bos_text = {bos_text.data(), bos_text.size()};
    options.eos_text = {eos_text.data(), eos_text.size()};
    hob_chat_template* handle = nullptr;
    return detail::CallFor<ChatTemplate>(
        [&](hob_error** error) {
          return hob_chat_template_create(&handle, source.data(), source.size(), &options, error);
        },
        [&] { return ChatTemplate(handle); });
  }

  Result<std::string> Render(Span<const ChatMessage> messages,
                             const hob_render_options& options = DefaultOptions()) const {
    std::vector<hob_chat_message> list;
    list.reserve(messages.size());
    for (const ChatMessage& m : messages) {
      list.push_back({FromView(m.role), FromView(m.content)});
    }
    return detail::CallForText([&](char** text, size_t* size, hob_error** error) {
      return hob_chat_template_render(text, size, get(), list.data(), list.size(), &options, error);
    });
  }

  // Takes `handle` over.
  explicit ChatTemplate(hob_chat_template* handle) : handle_(handle) {}
  hob_chat_template* get() const { return handle_.get(); }
  hob_chat_template* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_chat_template* handle) const { hob_chat_template_destroy(handle); }
  };
  std::unique_ptr<hob_chat_template, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_TEMPLATE_HPP_
