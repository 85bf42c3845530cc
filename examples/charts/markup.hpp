// SPDX-License-Identifier: MIT
//
// Text and bytes on their way into HTML and SVG: both become plain characters that mean nothing
// else there.
//
//   escape_markup("a<b & \"c\"")    // a&lt;b &amp; &quot;c&quot;, in element text and attributes
//   base64(encode_png(image))       // after "data:image/png;base64," (RFC 4648)
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fovea/core/check.hpp"

namespace charts {

using namespace fovea;

namespace internal {

/// Bytes of the character that `text` begins with: UTF-8 (RFC 3629) that both HTML and XML allow,
/// which leaves out control characters. 0 if there is none.
inline std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follow = [&](std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i)
      if ((byte(i) & 0xC0u) != 0x80) return false;
    return true;
  };
  const unsigned a = byte(0), b = byte(1);
  if (a < 0x80) return (a >= 0x20 && a != 0x7F) || a == '\t' || a == '\n' ? 1 : 0;
  if (a < 0xC2) return 0;
  if (a < 0xE0) return follow(1) && (a != 0xC2 || b >= 0xA0) ? 2 : 0;
  if (a < 0xF0) {
    const bool overlong = a == 0xE0 && b < 0xA0, surrogate = a == 0xED && b >= 0xA0;
    const bool no_character = a == 0xEF && b == 0xBF && byte(2) >= 0xBE;
    return follow(2) && !overlong && !surrogate && !no_character ? 3 : 0;
  }
  const bool too_low = a == 0xF0 && b < 0x90, too_high = a == 0xF4 && b >= 0x90;
  return a < 0xF5 && follow(3) && !too_low && !too_high ? 4 : 0;
}

}  // namespace internal

/// `text` with & < > " ' as references; what is no character is shown as U+FFFD.
inline std::string escape_markup(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t length = internal::character_length(text);
    switch (text.front()) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += length > 0 ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD");
    }
    text.remove_prefix(length > 0 ? length : 1);
  }
  return safe;
}

/// Four characters for every three bytes, padded with '='.
inline std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t here = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < here ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= here ? digits[group >> (18 - 6 * k) & 63u] : '=';
  }
  return text;
}

}  // namespace charts
