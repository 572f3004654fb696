// SPDX-License-Identifier: Apache-2.0
// All of hob's C++ interface: header-only, over the C interface, C++17 and later.
#ifndef HOB_HOB_HPP_
#define HOB_HOB_HPP_

#include <hob/error.hpp>
#include <hob/model.hpp>
#include <hob/runtime.hpp>
#include <hob/sampler.hpp>
#include <hob/session.hpp>
#include <hob/template.hpp>
#include <hob/tokenizer.hpp>

#endif  // HOB_HOB_HPP_
