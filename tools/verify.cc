// SPDX-License-Identifier: Apache-2.0
// hob verify: whether one of the given keys signed a file.
#include <filesystem>
#include <memory>

#include "tools/common.h"

namespace tool {
namespace {

struct Options {
  std::string path, signature;
  std::vector<std::string> keys;
};

// A key is given as its file or, as minisign prints it, in 56 characters.
std::string ReadKey(const std::string& given) {
  std::error_code ignored;
  const bool text = given.size() == 56 && given.compare(0, 2, "RW") == 0;
  if (text && !std::filesystem::exists(given, ignored)) return given;
  return ReadText(given);
}

void Run(const Options& options) {
  std::vector<std::string> texts;
  for (const std::string& key : options.keys) texts.push_back(ReadKey(key));
  const std::vector<std::string_view> keys(texts.begin(), texts.end());
  hob_verify_options verify = HOB_VERIFY_OPTIONS_INIT;
  verify.signature_path = hob::FromView(options.signature);
  ProgressBar bar("Verifying");
  verify.progress = &ProgressBar::Callback;
  verify.progress_user = &bar;
  const std::string comment = Check(hob::VerifyFile(options.path, keys, verify));
  Print(options.path + ": as signed\ntrusted comment: " + comment + "\n");
}

}  // namespace

void AddVerify(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("verify", "check who signed a model file");
  command->add_option("file", options->path, "the file to check")->required();
  command
      ->add_option("-k,--key", options->keys,
                   "public key: its file, or its text that begins with RW; may be repeated")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  command->add_option("-s,--signature", options->signature,
                      "the signature file (default: FILE.minisig)");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
