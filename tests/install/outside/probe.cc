// SPDX-License-Identifier: Apache-2.0
// An app in C++ that links an installed hob: see probe.c.
#include <hob/hob.hpp>
#include <iostream>

int main() {
  auto runtime = hob::Runtime::Create();
  if (!runtime.ok()) return 1;
  auto model = hob::Model::Open(*runtime, "/no/such/model.gguf");
  if (model.ok() || model.error().code() != HOB_NOT_FOUND) return 2;
  std::cout << model.error().message() << "\n";
  return 0;
}
