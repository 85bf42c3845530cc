// SPDX-License-Identifier: MIT
//
// Errors in words. `check(ok, "fc1: expected ", a, ", got ", b)` costs one branch when ok is true
// and throws one `fovea::Error` with one error message when it is not. Checks are always on:
// nothing in this library depends on NDEBUG.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "fovea/core/abi.hpp"

namespace fovea::inline FOVEA_ABI {

/// The only exception this library throws on purpose. `what()` is one error
/// message: what, expected, found.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Signed, so that `i - 1` and loops that run downwards mean what they say.
using Index = std::ptrdiff_t;

inline std::string to_string(std::string_view text) { return std::string(text); }

// By snprintf, which is less to compile than std::to_string and its tables.
[[gnu::cold]] inline std::string to_string(long long value) {
  char text[24];
  std::snprintf(text, sizeof text, "%lld", value);
  return text;
}
[[gnu::cold]] inline std::string to_string(unsigned long long value) {
  char text[24];
  std::snprintf(text, sizeof text, "%llu", value);
  return text;
}
template <std::integral T>
std::string to_string(T value) {
  using Wide = std::conditional_t<std::signed_integral<T>, long long, unsigned long long>;
  return to_string(static_cast<Wide>(value));
}

/// printf's %.*f, %.*e or %.*g, by its last letter, with a point in every locale: some have a
/// comma, some more than one byte. A NaN has no sign, which differs between processors.
[[gnu::cold]] inline std::string formatted(double value, int digits, char style = 'g') {
  if (std::isnan(value)) return "nan";
  char text[512];  // the largest double has 309 digits before the point
  std::snprintf(text, sizeof text,
                style == 'f'   ? "%.*f"
                : style == 'e' ? "%.*e"
                               : "%.*g",
                digits, value);
  std::string plain;
  for (const char c : std::string_view(text))
    if (std::string_view("0123456789+-einf").find(c) != std::string_view::npos)
      plain += c;
    else if (!plain.ends_with('.'))
      plain += '.';
  return plain;
}
/// The shortest of "%.6g": 0.1 prints as 0.1.
template <std::floating_point F>
std::string to_string(F value) {
  return formatted(static_cast<double>(value), 6);
}

/// A text from outside, a file's name for instance, with a question
/// mark for each control character.
[[gnu::cold]] inline std::string one_line(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return clean;
}
/// The same, and short.
[[gnu::cold]] inline std::string printable(std::string_view text) {
  constexpr std::size_t most = 120;
  return one_line(text.substr(0, most)) + (text.size() > most ? "..." : "");
}

namespace detail {

// One part of an error message, by address. There are many messages, so as little as possible is
// compiled for each, and one function makes the text of all.
class Part {
 public:
  Part(const char* text) : value_(text), append_(append_text) {}
  template <class A>
  Part(const A& value) : value_(&value), append_(append_value<A>) {}

  void append_to(std::string& text) const { append_(text, value_); }

 private:
  [[gnu::cold]] static void append_text(std::string& text, const void* address) {
    text += static_cast<const char*>(address);
  }
  template <class A>
  [[gnu::cold]] static void append_value(std::string& text, const void* address) {
    text += to_string(*static_cast<const A*>(address));
  }

  const void* value_;
  void (*append_)(std::string&, const void*);
};

FOVEA_OUT_OF_LINE inline std::string joined(std::initializer_list<Part> parts) {
  std::string text;
  for (const Part& part : parts) part.append_to(text);
  return text;
}

[[noreturn, gnu::cold, gnu::noinline]] inline void raise(std::initializer_list<Part> parts) {
  throw Error(joined(parts));
}

}  // namespace detail

/// The texts of all arguments, one after the other; anything with a `to_string` will do.
template <class... Args>
std::string concat(const Args&... args) {
  return detail::joined({detail::Part(args)...});
}

/// Throws `Error` with the texts of all arguments. Cold: compiled for size, away from the hot path.
template <class... Args>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const Args&... args) {
  detail::raise({detail::Part(args)...});
}

/// Throws `Error` with the texts of all arguments unless `ok`; formats nothing when `ok`.
template <class... Args>
constexpr void check(bool ok, const Args&... args) {
  if (!ok) [[unlikely]]
    detail::raise({detail::Part(args)...});
}

}  // namespace fovea::inline FOVEA_ABI
