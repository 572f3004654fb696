// SPDX-License-Identifier: Apache-2.0
// Several conversations at once, from one loop that never waits, as a game's or a window's:
// many MODEL PROMPT...
#include <chrono>
#include <hob/hob.hpp>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();

  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 64;
  std::vector<hob::Session> sessions;
  for (int i = 2; i < argc; ++i) {
    sessions.push_back(hob::Session::Create(model).value());
    sessions.back().AddMessage("user", argv[i]).value();
    sessions.back().Start(options).value();
  }

  std::vector<bool> over(sessions.size(), false);
  for (size_t left = sessions.size(); left > 0;) {
    for (size_t i = 0; i < sessions.size(); ++i) {
      if (over[i] || sessions[i].Poll(0).value().kind != HOB_POLL_END) continue;
      over[i] = true;
      --left;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // draw a frame
  }
  for (const hob::Session& session : sessions) std::cout << session.Reply() << '\n';
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
