// SPDX-License-Identifier: Apache-2.0
// Vectors of texts by an encoder, and what a runtime counts.
#include "tests/inject/scenario.h"
#include "tests/support/bert_folder.h"

namespace hob::inject {
namespace {

void Embed(Probe& probe, World& world) {
  EmbedderHandle embedder(probe);
  if (!probe.Call("hob_embedder_create", [&](hob_error** e) {
        return hob_embedder_create(embedder.out(), world.model, nullptr, e);
      })) {
    return;
  }
  hob_embedder_info info = HOB_EMBEDDER_INFO_INIT;
  if (!probe.Call("hob_embedder_get_info",
                  [&](hob_error** e) { return hob_embedder_get_info(&info, embedder, e); })) {
    return;
  }
  const hob_string texts[] = {{kMessage.data(), kMessage.size()}, {"a town", 6}, {"", 0}};
  std::vector<float> vectors(3 * static_cast<size_t>(info.dimension));
  uint64_t tokens = 0;
  if (!probe.Call("hob_embedder_embed", [&](hob_error** e) {
        return hob_embedder_embed(vectors.data(), vectors.size(), &tokens, embedder, texts, 3, e);
      })) {
    return;
  }
  probe.Same("vectors", {reinterpret_cast<const char*>(vectors.data()), vectors.size() * 4});
  size_t counted = 0;
  if (!probe.Call("hob_embedder_count_tokens", [&](hob_error** e) {
        return hob_embedder_count_tokens(&counted, embedder, kMessage.data(), kMessage.size(), e);
      })) {
    return;
  }
  probe.Check(counted > 10, "the text has tokens");
  hob_runtime_metrics metrics = HOB_RUNTIME_METRICS_INIT;
  probe.Call("hob_runtime_get_metrics",
             [&](hob_error** e) { return hob_runtime_get_metrics(&metrics, world.runtime, e); });
}

}  // namespace

void AddEmbedScenarios(std::vector<Scenario>& out) {
  out.push_back({"embed texts", [](const Files& files) -> Run {
                   const std::string folder = files / "encoder";
                   test::BertFolder().Write(folder);
                   auto world = std::make_shared<World>(files, folder);
                   return [world](Probe& probe) { Embed(probe, *world); };
                 }});
}

}  // namespace hob::inject
