// SPDX-License-Identifier: Apache-2.0
#include "lib/session/build_info.h"

#include "lib/isa/cpu.h"
#include "lib/session/json_writer.h"

// From cmake/HobLibrary.cmake; a build by other means does without.
#if !defined(HOB_BUILD_TYPE)
#define HOB_BUILD_TYPE ""
#define HOB_BUILD_COMPILER ""
#define HOB_BUILD_SYSTEM ""
#define HOB_BUILD_KERNELS ""
#define HOB_BUILD_SANITIZERS ""
#define HOB_BUILD_LTO false
#endif

namespace hob {

StatusOr<std::string> DescribeLibrary(std::string_view version, std::string_view abi) {
  HOB_ASSIGN_OR_RETURN(const KernelChoice choice, KernelChoice::FromEnvironment());
#if defined(HOB_HAVE_XNNPACK)
  constexpr bool kXnnpack = true;
#else
  constexpr bool kXnnpack = false;
#endif
#if defined(HOB_WITHOUT_CONVERT)
  constexpr bool kConvert = false;
#else
  constexpr bool kConvert = true;
#endif
#if defined(HOB_WITHOUT_HF)
  constexpr bool kHuggingFace = false;
#else
  constexpr bool kHuggingFace = true;
#endif
#if defined(HOB_WITHOUT_REGEX_JIT)
  constexpr bool kRegexJit = false;
#else
  constexpr bool kRegexJit = true;
#endif
#if defined(HOB_WITHOUT_SIGNATURES)
  constexpr bool kSignatures = false;
#else
  constexpr bool kSignatures = true;
#endif
#if defined(HOB_WITHOUT_HANDOFF)
  constexpr bool kHandoff = false;
#else
  constexpr bool kHandoff = true;
#endif
  JsonWriter json;
  json.BeginObject();
  json.Key("version").String(version).Key("abi").String(abi);
  json.Key("kernels").String("scalar simd" HOB_BUILD_KERNELS);
  json.Key("cpu").String(choice.cpu.ToString());
  json.Key("provider").String(choice.provider);
  json.Key("build_type").String(HOB_BUILD_TYPE).Key("compiler").String(HOB_BUILD_COMPILER);
  json.Key("system").String(HOB_BUILD_SYSTEM);
  json.Key("lto").Bool(HOB_BUILD_LTO).Key("sanitizers").String(HOB_BUILD_SANITIZERS);
  json.Key("xnnpack").Bool(kXnnpack).Key("convert").Bool(kConvert).Key("regex_jit").Bool(kRegexJit);
  json.Key("signatures").Bool(kSignatures);
  json.Key("hugging_face").Bool(kHuggingFace).Key("handoff").Bool(kHandoff);
  json.EndObject();
  return json.text();
}

}  // namespace hob
