// SPDX-License-Identifier: Apache-2.0
// hob convert: a GGUF file to a .hob file.
#include <filesystem>
#include <map>
#include <memory>

#include "tools/common.h"

namespace tool {
namespace {

struct Options {
  std::string input, output;
  hob_convert_weights weights = HOB_CONVERT_KEEP;
};

void Run(const Options& options) {
  ProgressBar bar("Converting");
  hob_convert_options convert = HOB_CONVERT_OPTIONS_INIT;
  convert.weights = options.weights;
  convert.progress = &ProgressBar::Callback;
  convert.progress_user = &bar;
  hob_error* error = nullptr;
  const hob_status status =
      hob_convert(options.input.data(), options.input.size(), options.output.data(),
                  options.output.size(), &convert, &error);
  if (status != HOB_OK) Fail(hob::Error(status, error));
}

}  // namespace

void AddConvert(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("convert", "write a model as a .hob file");
  command->add_option("input", options->input, "GGUF or .hob file")->required();
  command->add_option("output", options->output, "the .hob file to write")->required();
  const std::map<std::string, hob_convert_weights> weights = {{"keep", HOB_CONVERT_KEEP},
                                                              {"int8", HOB_CONVERT_INT8}};
  command->add_option("--weights", options->weights, "keep, or int8 with a scale for each row")
      ->transform(CLI::CheckedTransformer(weights, CLI::ignore_case).description(""))
      ->type_name("NAME")
      ->default_str("keep");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
