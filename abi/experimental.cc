// SPDX-License-Identifier: Apache-2.0
#include <hob/hob_experimental.h>

#include <span>
#include <string>
#include <vector>

#include "abi/handles.h"
#include "lib/session/build_info.h"
#include "lib/session/convert.h"
#include "lib/session/describe.h"

#if defined(HOB_WITHOUT_CONVERT)
namespace hob::abi {
namespace {

Status LeftOut(std::string_view what) {
  return Error(StatusCode::kUnimplemented, Concat("this build of hob leaves out ", what),
               "Build hob with HOB_WITH_CONVERT=ON.");
}

}  // namespace
}  // namespace hob::abi
#endif

extern "C" {

hob_status hob_describe_library(char** out_json, size_t* out_size, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out_json == nullptr) return NullArgument("out_json");
    if (out_size == nullptr) return NullArgument("out_size");
    const hob_string version = hob_version();
    HOB_ASSIGN_OR_RETURN(
        const std::string json,
        hob::DescribeLibrary(View(version.data, version.size),
                             hob::Concat(HOB_ABI_VERSION_MAJOR, ".", HOB_ABI_VERSION_MINOR)));
    return CopyOut(out_json, out_size, json);
  });
}

hob_status hob_session_evaluate(hob_session* session, const int32_t* tokens, size_t count,
                                hob_logits_fn on_logits, void* user, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (on_logits == nullptr) return NullArgument("on_logits");
    HOB_RETURN_IF_ERROR(CheckRange(tokens, count, "tokens"));
    return use->Evaluate(std::span(tokens, count),
                         [&](size_t first, size_t rows, std::span<const float> logits) {
                           return on_logits(user, first, rows, logits.data()) == 0;
                         });
  });
}

hob_status hob_model_describe(char** out_json, size_t* out_size, const hob_model* model,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out_json == nullptr) return NullArgument("out_json");
    if (out_size == nullptr) return NullArgument("out_size");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
#if defined(HOB_WITHOUT_CONVERT)
    return LeftOut("hob_model_describe");
#else
    return CopyOut(out_json, out_size, hob::DescribeModel(*model->object));
#endif
  });
}

hob_status hob_convert(const char* input, size_t input_size, const char* output, size_t output_size,
                       const hob_convert_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckRange(input, input_size, "input"));
    HOB_RETURN_IF_ERROR(CheckRange(output, output_size, "output"));
    HOB_ASSIGN_OR_RETURN(
        const hob_convert_options given,
        ReadStruct<hob_convert_options>(options, HOB_CONVERT_OPTIONS_INIT, "hob_convert_options"));
    if (given.weights != HOB_CONVERT_KEEP && given.weights != HOB_CONVERT_INT8) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        hob::Concat("hob_convert_options.weights is ", given.weights,
                                    ", which is no hob_convert_weights"));
    }
#if defined(HOB_WITHOUT_CONVERT)
    return LeftOut("hob_convert");
#else
    hob::Progress progress;
    if (given.progress != nullptr) {
      progress = [&given](uint64_t done, uint64_t total) {
        return given.progress(given.progress_user, done, total) == 0;
      };
    }
    return hob::Convert(std::string(View(input, input_size)),
                        std::string(View(output, output_size)), given.weights == HOB_CONVERT_INT8,
                        progress);
#endif
  });
}

}  // extern "C"
