// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <hob/hob.hpp>
#include <iostream>

int main() try {
  const char* path = std::getenv("HOB_MODEL");
  if (path == nullptr) return 77;  // skipped
  const auto runtime = hob::Runtime::Create().value();
  const auto model = hob::Model::Open(runtime, path).value();
  auto session = hob::Session::Create(model).value();
  session.AddMessage("user", "What is the capital of France?").value();
  session.Generate([](std::string_view piece) { std::cout << piece << std::flush; }).value();
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
