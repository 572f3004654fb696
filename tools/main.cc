// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>

#include "tools/common.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is seen as a failed write
  CLI::App app("hob: an assistant in your own process", "hob");
  app.require_subcommand(1);
  app.set_version_flag("--version", tool::DescribeVersion, "Show the version and how it was built");
  tool::AddChat(app);
  tool::AddRun(app);
  tool::AddConvert(app);
  tool::AddInspect(app);
  tool::AddKeygen(app);
  tool::AddSign(app);
  tool::AddVerify(app);
  tool::AddEmbed(app);
  tool::AddPerplexity(app);
  tool::AddTokenize(app);
  tool::AddLogits(app);
  tool::AddBench(app);
#if defined(HOB_HAVE_SERVE)
  tool::AddServe(app);
#endif
  try {
    app.parse(argc, argv);
    return tool::kOk;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? tool::kOk : tool::kUsage;
  } catch (const tool::Failure& failure) {
    if (*failure.what() != '\0') std::fprintf(stderr, "hob: %s\n", failure.what());
    if (!failure.hint.empty()) std::fprintf(stderr, "     %s\n", failure.hint.c_str());
    return failure.code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hob: %s\n", error.what());
    return tool::kFailed;
  }
}
