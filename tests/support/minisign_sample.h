// SPDX-License-Identifier: Apache-2.0
// A file's signature and its key, made by minisign 0.11 itself, so that what is read is its format
// and not only our own writing of it.
#pragma once

#include <string_view>

namespace hob::test {

inline constexpr std::string_view kKey = "RWSTI7yA1RAOiWDAy/5PsuWZfXaudfwrzx3fIpXwcwkY/Pkoc7YEPqyA";
inline constexpr std::string_view kContent = "hello\n";
inline constexpr std::string_view kSignature =
    "untrusted comment: signature from minisign secret key\n"
    "RUSTI7yA1RAOiUcnApOW4AfI+qpFeVWB+x9YK8AFteK5COi3gxgFAbZbFv6KwjcUFG9jA+BoQ2vO3bfwIHtYyC0mNy/"
    "EctxgAw0=\n"
    "trusted comment: trusted: v1\n"
    "rgvg3jd0DdOxtaHP9ZCe41ejoEOy8JT2w4YvrfmhcB763Adjk6VuFrSv+Hmdp5NFecN/heUDVRgTrmbFE0IzAg==\n";

}  // namespace hob::test
