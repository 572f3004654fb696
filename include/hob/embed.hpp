// SPDX-License-Identifier: Apache-2.0
// Texts to vectors. Outside the promise so far: hob_experimental.hpp.
#ifndef HOB_EMBED_HPP_
#define HOB_EMBED_HPP_

#include <hob/embed.h>

#include <hob/error.hpp>
#include <hob/model.hpp>
#include <hob/span.hpp>
#include <vector>

namespace hob {
inline namespace v0 {

// Owns a hob_embedder: see embed.h. Movable, not copyable; const members may be called by several
// threads at a time.
class Embedder {
 public:
  static Result<Embedder> Create(const Model& model,
                                 const hob_embedder_options& options = HOB_EMBEDDER_OPTIONS_INIT) {
    hob_embedder* handle = nullptr;
    return detail::CallFor<Embedder>(
        [&](hob_error** error) {
          return hob_embedder_create(&handle, model.get(), &options, error);
        },
        [&] { return Embedder(handle); });
  }

  Result<hob_embedder_info> Info() const {
    hob_embedder_info info = HOB_EMBEDDER_INFO_INIT;
    return detail::CallFor<hob_embedder_info>(
        [&](hob_error** error) { return hob_embedder_get_info(&info, get(), error); },
        [&] { return info; });
  }

  // The texts' vectors, one after another, Info()->dimension floats each.
  Result<std::vector<float>> Embed(Span<const std::string_view> texts,
                                   uint64_t* tokens = nullptr) const {
    Result<hob_embedder_info> info = Info();
    if (!info.ok()) return std::move(info).TakeError();
    std::vector<hob_string> list;
    list.reserve(texts.size());
    for (const std::string_view text : texts) list.push_back(FromView(text));
    std::vector<float> rows(texts.size() * static_cast<size_t>(info->dimension));
    return detail::CallFor<std::vector<float>>(
        [&](hob_error** error) {
          return hob_embedder_embed(rows.data(), rows.size(), tokens, get(), list.data(),
                                    list.size(), error);
        },
        [&] { return std::move(rows); });
  }
  Result<std::vector<float>> Embed(std::string_view text) const {
    return Embed(Span<const std::string_view>(&text, 1));
  }

  Result<size_t> CountTokens(std::string_view text) const {
    size_t count = 0;
    return detail::CallFor<size_t>(
        [&](hob_error** error) {
          return hob_embedder_count_tokens(&count, get(), text.data(), text.size(), error);
        },
        [&] { return count; });
  }

  hob_embedder* get() const { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(hob_embedder* handle) const { hob_embedder_destroy(handle); }
  };
  explicit Embedder(hob_embedder* handle) : handle_(handle) {}
  std::unique_ptr<hob_embedder, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_EMBED_HPP_
