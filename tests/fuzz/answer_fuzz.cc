// SPDX-License-Identifier: Apache-2.0
// What stands between logits and text, each beside a plain model of it: the sampler with any
// options and logits, stop texts in a stream, guesses from the prompt, and the cache of prefixes.
#include <list>
#include <map>

#include "lib/sampler/sampler.h"
#include "lib/session/guess_rate.h"
#include "lib/session/prefix_cache.h"
#include "lib/session/prompt_lookup.h"
#include "lib/session/stop_matcher.h"
#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {
namespace {

SamplerOptions AnyOptions(Input& input) {
  SamplerOptions options;
  const uint8_t which = input.Byte();
  const auto real = [&](bool chosen, float usual, float step) {
    if (!chosen) return usual;
    const uint8_t byte = input.Byte();
    return byte < 200 ? static_cast<float>(byte) * step : static_cast<float>(input.Real());
  };
  options.temperature = real(which & 1, 0.0f, 0.02f);
  options.top_p = real(which & 2, 1.0f, 0.005f);
  options.min_p = real(which & 4, 0.0f, 0.005f);
  options.repetition_penalty = real(which & 8, 1.0f, 0.02f);
  if (which & 16) options.top_k = static_cast<int32_t>(input.Integer());
  if (which & 32) options.repetition_window = static_cast<int32_t>(input.Integer());
  options.seed = input.Byte();
  return options;
}

bool InRange(const SamplerOptions& o) {
  return o.temperature >= 0 && o.temperature <= 100 && o.top_k >= 0 && o.top_p > 0 &&
         o.top_p <= 1 && o.min_p >= 0 && o.min_p < 1 && o.repetition_penalty > 0 &&
         o.repetition_penalty <= 100 && o.repetition_window >= 0;
}

std::vector<float> AnyLogits(Input& input) {
  std::vector<float> logits(static_cast<size_t>(input.Range(0, 700)));
  const uint8_t kind = input.Byte();
  Random random(input.Raw<uint16_t>());
  for (float& x : logits) {
    x = random.Uniform() * 12;
    if (kind & 1) x = std::round(x);  // many alike
    if (kind & 2) x = std::bit_cast<float>(static_cast<uint32_t>(random.Next()) & 0xff7fffffu);
    if ((kind & 4) && random.Below(4) == 0) x = -HUGE_VALF;
    if ((kind & 8) && random.Below(8) == 0) x = random.Below(2) == 0 ? 0.0f : -0.0f;
  }
  // Single ones as the input has them.
  for (int count = input.Byte() % 8; count > 0 && !logits.empty(); --count) {
    logits[input.Raw<uint16_t>() % logits.size()] = static_cast<float>(input.Real());
  }
  return logits;
}

bool AreLogits(const std::vector<float>& logits) {
  bool any = false;
  for (const float x : logits) {
    if (std::isnan(x) || x == HUGE_VALF) return false;
    any = any || x != -HUGE_VALF;
  }
  return any;
}

// The penalty as it is written down.
std::vector<float> Penalised(std::vector<float> logits, const std::vector<int32_t>& history,
                             const SamplerOptions& options) {
  if (options.repetition_penalty == 1.0f) return logits;
  const auto window = static_cast<size_t>(options.repetition_window);
  const size_t from = window == 0 || window > history.size() ? 0 : history.size() - window;
  std::vector<bool> seen(logits.size());
  for (size_t i = from; i < history.size(); ++i) {
    const auto id = static_cast<size_t>(history[i]);
    if (history[i] < 0 || id >= logits.size() || seen[id]) continue;
    seen[id] = true;
    float& x = logits[id];
    if (!std::isfinite(x)) continue;
    const float changed = x > 0 ? x / options.repetition_penalty : x * options.repetition_penalty;
    constexpr float kMost = std::numeric_limits<float>::max();
    x = changed > kMost ? kMost : changed < -kMost ? -kMost : changed;
  }
  return logits;
}

void CheckSampler(Input& input) {
  const SamplerOptions options = AnyOptions(input);
  auto sampler = Sampler::Create(options);
  Require(sampler.ok() == InRange(options));
  if (!sampler.ok()) return;
  Sampler twin = *sampler;
  std::vector<int32_t> history;
  for (int rounds = 0; rounds < 3; ++rounds) {
    for (int count = input.Byte() % 16; count > 0; --count) {
      history.push_back(input.Bool() ? input.Byte() : static_cast<int32_t>(input.Integer()));
    }
    const std::vector<float> logits = AnyLogits(input);
    std::vector<float> scratch = logits, other = logits, third = logits;
    std::vector<float> chances(logits.size());
    const uint64_t drawn = sampler->drawn();
    const Status told = sampler->Probabilities(third, history, chances);
    Require(sampler->drawn() == drawn);
    const auto token = sampler->Sample(scratch, history);
    const auto again = twin.Sample(other, history);
    Require(token.ok() == AreLogits(logits) && again.ok() == token.ok() && told.ok() == token.ok());
    if (!token.ok()) {
      Require(sampler->drawn() == drawn);
      continue;
    }
    Require(*token == *again);
    const auto chosen = static_cast<size_t>(*token);
    Require(*token >= 0 && chosen < logits.size() && logits[chosen] != -HUGE_VALF);
    const std::vector<float> after = Penalised(logits, history, options);
    const auto best =
        static_cast<size_t>(std::max_element(after.begin(), after.end()) - after.begin());
    if (options.temperature == 0) Require(chosen == best);
    double sum = 0, least = HUGE_VAL, most_dropped = -HUGE_VAL;
    size_t kept = 0;
    for (size_t i = 0; i < chances.size(); ++i) {
      Require(chances[i] >= 0 && chances[i] <= 1);
      sum += chances[i];
      if (chances[i] > 0) ++kept;
      // What is likelier is not dropped for what is less likely: by the distance from the
      // likeliest, which logits near each other and far from zero may share.
      const float distance =
          options.temperature == 0 ? after[i] : (after[i] - after[best]) / options.temperature;
      if (chances[i] > 0) least = std::min(least, double{distance});
      if (chances[i] == 0) most_dropped = std::max(most_dropped, double{distance});
    }
    Require(std::abs(sum - 1) < 1e-4);
    Require(chances[best] > 0);
    Require(least >= most_dropped);
    if (options.temperature > 0 && options.top_k > 0) {
      Require(kept <= static_cast<size_t>(options.top_k));
    }
    history.push_back(*token);
  }
}

void CheckStops(Input& input) {
  std::vector<std::string> stops;
  for (int count = input.Byte() % 5; count > 0; --count) {
    std::string stop(input.Text(6));
    if (!stop.empty()) stops.push_back(std::move(stop));
  }
  StopMatcher matcher(stops);
  std::string all, out;
  int found = -1;
  size_t end = std::string::npos;
  while (!input.empty()) {
    const std::string piece(input.Text(9));
    out += matcher.Push(piece);
    if (found < 0) {
      all += piece;
      for (size_t i = 0; i < stops.size(); ++i) {
        if (const size_t at = all.find(stops[i]); at < end) {
          end = at;
          found = static_cast<int>(i);
        }
      }
    }
    Require(matcher.found() == found);
    if (found >= 0) {
      Require(out == all.substr(0, end));
      continue;
    }
    size_t held = 0;  // the longest end of the text that may begin a stop text
    for (const std::string& stop : stops) {
      for (size_t n = 1; n < stop.size() && n <= all.size(); ++n) {
        if (all.compare(all.size() - n, n, stop, 0, n) == 0) held = std::max(held, n);
      }
    }
    Require(out == all.substr(0, all.size() - held));
  }
  out += matcher.Finish();
  Require(out == all.substr(0, end));
}

void CheckLookup(Input& input) {
  PromptLookup lookup;
  GuessRate rate;
  std::vector<int32_t> history, guess;
  while (!input.empty()) {
    for (int count = input.Byte() % 12; count > 0; --count) history.push_back(input.Byte() % 4);
    const auto most = static_cast<int32_t>(input.Byte() % 20);
    const double cost = input.Byte() / 200.0;
    lookup.Guess(history, most, cost, guess);
    rate.Forget();
    const int32_t worth = rate.Worth(most, cost);
    // The longest likeness of at least 3 and at most 8 tokens, of those the latest.
    size_t best = 0, from = 0;
    for (size_t end = 3; end < history.size(); ++end) {
      size_t alike = 0;
      while (alike < 8 && alike < end &&
             history[end - 1 - alike] == history[history.size() - 1 - alike]) {
        ++alike;
      }
      if (alike >= best) {
        best = alike;
        from = end;
      }
    }
    std::vector<int32_t> expected;
    if (best >= 3 && worth > 0) {
      for (size_t i = from; i < history.size() && expected.size() < static_cast<size_t>(worth);
           ++i) {
        expected.push_back(history[i]);
      }
    }
    Require(guess == expected);
    const auto guessed = static_cast<int32_t>(guess.size());
    const int32_t right = guessed == 0 ? 0 : input.Byte() % (guessed + 1);
    lookup.Learn(guessed, right);
    rate.Learn(guessed, right);
  }
}

// A prefix is a list of pages, each of one token said 64 times. Beside the cache: a map of all
// prefixes known, and when each was used.
void CheckPrefixes(Input& input) {
  using Prefix = std::pair<size_t, std::vector<int32_t>>;  // of a type
  const size_t most = input.Byte() % 9;
  const auto allocator = std::make_shared<Allocator>();
  PrefixCache cache(most);
  struct Known {
    KvPage page;
    uint64_t used;
  };
  std::map<Prefix, Known> known;
  uint64_t now = 0;
  const auto evict = [&] {
    auto oldest = known.end();
    for (auto it = known.begin(); it != known.end(); ++it) {
      const auto next = std::next(it);
      const bool leaf =
          next == known.end() || next->first.first != it->first.first ||
          next->first.second.size() <= it->first.second.size() ||
          !std::equal(it->first.second.begin(), it->first.second.end(), next->first.second.begin());
      if (leaf && (oldest == known.end() || it->second.used < oldest->second.used)) oldest = it;
    }
    if (oldest == known.end()) return false;
    known.erase(oldest);
    return true;
  };
  while (!input.empty()) {
    const uint8_t what = input.Byte();
    const size_t kind = what / 4 % 3;
    const DType type = KvLayout::kTypes[kind];
    std::vector<int32_t> path(what / 16 % 6), tokens;
    for (int32_t& id : path) id = input.Byte() % 3;
    for (const int32_t id : path) tokens.insert(tokens.end(), kKvPageTokens, id);
    tokens.resize(tokens.size() + input.Byte() % 8, 1);  // of a page that is not whole
    if (what % 4 == 0) {
      Require(cache.Evict() == evict());
      continue;
    }
    if (what % 4 == 1) {
      const size_t have = input.Byte() % 4;
      const std::vector<KvPage> pages = cache.Find(type, tokens, have);
      std::vector<KvPage> expected;
      for (size_t i = 0; i < path.size(); ++i) {
        const auto it =
            known.find({kind, {path.begin(), path.begin() + static_cast<ptrdiff_t>(i) + 1}});
        if (it == known.end()) break;
        it->second.used = ++now;
        if (i >= have) expected.push_back(it->second.page);
      }
      Require(pages == expected);
      continue;
    }
    std::vector<KvPage> pages;
    for (size_t i = 0; i < path.size(); ++i) {
      auto buffer = Buffer::Create(allocator, 64, "page");
      Require(buffer.ok());
      pages.push_back(std::make_shared<const Buffer>(*std::move(buffer)));
    }
    cache.Insert(type, tokens, pages);
    for (size_t i = 0; i < std::min(path.size(), most); ++i) {
      const Prefix prefix{kind, {path.begin(), path.begin() + static_cast<ptrdiff_t>(i) + 1}};
      known.try_emplace(prefix, Known{pages[i], 0}).first->second.used = ++now;
    }
    while (known.size() > most && evict()) {
    }
  }
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hob::fuzz::Input input(data, size);
  switch (input.Byte() % 4) {
    case 0:
      hob::fuzz::CheckSampler(input);
      break;
    case 1:
      hob::fuzz::CheckStops(input);
      break;
    case 2:
      hob::fuzz::CheckLookup(input);
      break;
    default:
      hob::fuzz::CheckPrefixes(input);
  }
  return 0;
}
