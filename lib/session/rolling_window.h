// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace hob {

// What a conversation without end forgets. Of its tokens the model sees the first `keep` (attention
// sinks, Xiao et al. 2023) and the latest; what lies between is dropped in blocks of half the rest
// of the context. The model then reads what remains anew, at its new positions: so the state is
// that of a fresh prompt of these tokens, whenever and however often blocks were dropped.
struct RollingWindow {
  int32_t context = 0;  // tokens that the model sees at most
  int32_t keep = 0;     // at most context / 2

  // Whether a session has it: one that rolls keeps at most half its context, the others nothing.
  bool Possible(bool rolls) const {
    return rolls ? context >= 16 && keep >= 0 && keep <= context / 2 : keep == 0;
  }
  int32_t block() const { return (context - keep) / 2; }
  // How many tokens to drop from behind the first `keep` of `count`, so that fewer than `context`
  // are left: 0 or whole blocks.
  size_t Drop(size_t count) const {
    const auto most = static_cast<size_t>(context), size = static_cast<size_t>(block());
    return count < most ? 0 : ((count - most) / size + 1) * size;
  }
};

}  // namespace hob
