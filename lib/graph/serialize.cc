// SPDX-License-Identifier: Apache-2.0
// Graphs to and from the tables of `.hob` files. Reading checks only what the C++ form needs;
// CheckGraph does the rest.
#include <type_traits>

#include "lib/format/hob_generated.h"
#include "lib/graph/graph.h"

namespace hob {
namespace {

constexpr size_t kMaxNodes = 1 << 20;

StatusOr<Attributes> AttributesFromFile(const fbs::GraphNodeT& stored) {
  Attributes attributes;
  if (stored.attributes.size() > 64) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("node ", stored.name, " has more than 64 attributes"));
  }
  for (const auto& attribute : stored.attributes) {
    switch (attribute->kind) {
      case 0:
        attributes.Set(attribute->key, attribute->int_value);
        break;
      case 1:
        attributes.Set(attribute->key, attribute->float_value);
        break;
      case 2:
        attributes.Set(attribute->key, attribute->text);
        break;
      default:
        return Error(StatusCode::kInvalidArgument,
                     absl::StrCat("node ", stored.name, ": attribute ", attribute->key,
                                  " has kind ", static_cast<int>(attribute->kind)));
    }
  }
  return attributes;
}

Status ShapeFromFile(const fbs::GraphShapeT* stored, ModelShape& shape) {
  if (stored == nullptr)
    return Error(StatusCode::kInvalidArgument, "the stored graph has no shape");
  shape = {.vocabulary = stored->vocabulary,
           .context_length = stored->context_length,
           .layers = stored->layers,
           .width = stored->width,
           .heads = stored->heads,
           .kv_heads = stored->kv_heads,
           .head_dim = stored->head_dim,
           .embedding = stored->embedding};
  const auto within = [](int32_t value, int32_t high) { return value >= 1 && value <= high; };
  if (!within(shape.vocabulary, 1 << 24) || !within(shape.context_length, 1 << 26) ||
      !within(shape.layers, 1024) || !within(shape.width, 1 << 20) || !within(shape.heads, 4096) ||
      !within(shape.head_dim, 4096) || shape.embedding < 0 || shape.embedding > 1 << 20 ||
      // An encoder has no cache.
      (shape.encoder() ? shape.kv_heads != 0 : !within(shape.kv_heads, 4096))) {
    return Error(StatusCode::kInvalidArgument, "the stored graph's shape is out of range");
  }
  return absl::OkStatus();
}

}  // namespace

std::shared_ptr<fbs::GraphT> GraphToFile(const Graph& graph) {
  auto stored = std::make_shared<fbs::GraphT>();
  stored->shape = std::make_unique<fbs::GraphShapeT>();
  stored->shape->vocabulary = graph.shape.vocabulary;
  stored->shape->context_length = graph.shape.context_length;
  stored->shape->layers = graph.shape.layers;
  stored->shape->width = graph.shape.width;
  stored->shape->heads = graph.shape.heads;
  stored->shape->kv_heads = graph.shape.kv_heads;
  stored->shape->head_dim = graph.shape.head_dim;
  stored->shape->embedding = graph.shape.embedding;
  for (const Value& value : graph.values) {
    auto& out = stored->values.emplace_back(std::make_unique<fbs::GraphValueT>());
    out->name = value.name;
    out->kind = static_cast<int32_t>(value.kind);
    out->dtype = static_cast<int32_t>(value.type);
    out->shape = value.shape;
    out->tensor = value.tensor;
  }
  for (const Node& node : graph.nodes) {
    auto& out = stored->nodes.emplace_back(std::make_unique<fbs::GraphNodeT>());
    out->op = node.op;
    out->name = node.name;
    out->layer = node.layer;
    out->inputs = node.inputs;
    out->outputs = node.outputs;
    for (const auto& [key, value] : node.attributes.entries()) {
      auto& attribute = out->attributes.emplace_back(std::make_unique<fbs::AttributeT>());
      attribute->key = key;
      attribute->kind = static_cast<uint8_t>(value.index());
      if (const int64_t* whole = std::get_if<int64_t>(&value)) attribute->int_value = *whole;
      if (const double* real = std::get_if<double>(&value)) attribute->float_value = *real;
      if (const std::string* text = std::get_if<std::string>(&value)) attribute->text = *text;
    }
  }
  return stored;
}

StatusOr<Graph> GraphFromFile(const fbs::GraphT& stored) {
  Graph graph;
  HOB_RETURN_IF_ERROR(ShapeFromFile(stored.shape.get(), graph.shape));
  if (stored.values.size() > 4 * kMaxNodes || stored.nodes.size() > kMaxNodes) {
    return Error(StatusCode::kInvalidArgument, "the stored graph has too many values or nodes");
  }
  for (const auto& in : stored.values) {
    if (in->kind < 0 || in->kind > static_cast<int32_t>(ValueKind::kOutput)) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("the stored graph's value ", in->name, " has kind ", in->kind));
    }
    graph.AddValue({.name = in->name,
                    .kind = static_cast<ValueKind>(in->kind),
                    .type = static_cast<DType>(in->dtype),
                    .shape = in->shape,
                    .tensor = in->tensor});
  }
  for (const auto& in : stored.nodes) {
    HOB_ASSIGN_OR_RETURN(Attributes attributes, AttributesFromFile(*in));
    graph.nodes.push_back({.op = in->op,
                           .name = in->name,
                           .layer = in->layer,
                           .inputs = in->inputs,
                           .outputs = in->outputs,
                           .attributes = std::move(attributes)});
  }
  return graph;
}

}  // namespace hob
