// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstdint>

#include "lib/sampler/stages.h"

namespace hob {

double PortableExp(double x) {
  if (!(x > -700.0)) return 0.0;  // near the smallest normal double; −infinity too
  // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts, the first with zeros at its end, so that
  // n times it is exact (as in fdlibm's e_exp.c).
  constexpr double kLog2E = 1.44269504088896338700;
  constexpr double kLn2High = 6.93147180369123816490e-01;
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  const auto n = static_cast<int64_t>(x * kLog2E - 0.5);  // truncates: rounds, as x ≤ 0
  const double r = (x - static_cast<double>(n) * kLn2High) - static_cast<double>(n) * kLn2Low;
  // The Taylor series of e^r: the term left out, r^14/14!, is below 5e-18.
  double sum = 1.0;
  for (int i = 13; i >= 1; --i) sum = 1.0 + r * sum / i;
  return sum * std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52);
}

void ApplyTemperature(std::vector<Candidate>& candidates, float highest, float temperature) {
  for (Candidate& candidate : candidates) {
    candidate.logit = (candidate.logit - highest) / temperature;
    candidate.weight = PortableExp(static_cast<double>(candidate.logit));
  }
}

}  // namespace hob
