// SPDX-License-Identifier: MIT
//
// The header of an npy file: a Python dictionary, read without Python.
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (10000, 10), }
//
// descr is the type of the numbers: < least significant byte first, > most significant first, | single
// bytes; f floating point, i whole, u whole without a sign, O a pickled object; and the bytes of one. Of
// the language just these are understood: the three keys, in any order, each once; strings without a
// backslash, True and False, tuples of whole numbers; spaces and a last comma where Python has them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/shape.hpp"

namespace fovea::inline FOVEA_ABI::detail {

/// What NumPy calls a T.
template <class T>
inline constexpr std::string_view npy_descr = [] {
  constexpr bool real = std::floating_point<T>, whole = std::signed_integral<T> && sizeof(T) >= 4;
  static_assert(real || whole || std::same_as<T, std::uint8_t>,
                "npy: a tensor of float, double, uint8_t, int32_t or int64_t");
  return real ? (sizeof(T) == 4 ? "<f4" : "<f8") : !whole ? "|u1" : sizeof(T) == 4 ? "<i4" : "<i8";
}();

struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<Index> shape;
};

/// The text that np.save (NumPy 1.24) writes: its keys sorted, and room for a first extent of 21 digits.
inline std::string npy_text(const NpyHeader& header) {
  const std::string first = to_string(header.shape.front());
  const std::string shape =
      header.shape.size() == 1 ? concat("(", first, ",)") : extents_text(header.shape);
  return concat("{'descr': '", header.descr,
                "', 'fortran_order': ", header.fortran_order ? "True" : "False",
                ", 'shape': ", shape, ", }", std::string(21 - first.size(), ' '));
}

class NpyParser {
 public:
  /// `file` is for errors.
  NpyParser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  NpyHeader parse() {
    static constexpr std::string_view keys[]{"descr", "fortran_order", "shape"};
    NpyHeader header;
    bool seen[3]{}, comma = true;
    expect('{');
    while (!next('}')) {
      if (!comma) expect(',');
      const std::string key = string("a key");
      const auto which = static_cast<std::size_t>(std::find(keys, keys + 3, key) - keys);
      check(which < 3, file_, ": expected the keys descr, fortran_order and shape, found ",
            printable(key));
      check(!std::exchange(seen[which], true), file_, ": expected each key once, found ", key,
            " twice");
      expect(':');
      if (which == 0) header.descr = string("the type of plain numbers");
      if (which == 1) header.fortran_order = boolean();
      if (which == 2) header.shape = tuple();
      comma = next(',');
    }
    for (std::size_t i = 0; i < 3; ++i)
      check(seen[i], file_, ": expected the keys descr, fortran_order and shape, found no ",
            keys[i]);
    skip_spaces();
    check(text_.empty(), file_, ": expected nothing behind the dictionary, found ", here());
    return header;
  }

 private:
  void skip_spaces() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
  }
  std::string here() const {
    return text_.empty() ? "the end of the header" : printable(text_.substr(0, 24));
  }
  bool next(char c) {
    skip_spaces();
    const bool found = text_.starts_with(c);
    if (found) text_.remove_prefix(1);
    return found;
  }
  void expect(char c) {
    const bool found = next(c);  // which skips spaces, so before here()
    check(found, file_, ": expected ", std::string_view(&c, 1), " in the header, found ", here());
  }

  std::string string(std::string_view what) {
    skip_spaces();
    const bool quoted = text_.starts_with('\'') || text_.starts_with('"');
    const std::size_t end = quoted ? text_.find(text_[0], 1) : text_.npos;
    check(end != text_.npos, file_, ": expected ", what, " in quotes, found ", here());
    const std::string value(text_.substr(1, end - 1));
    check(value.find('\\') == value.npos, file_, ": expected ", what, ", found ", here());
    text_.remove_prefix(end + 1);
    return value;
  }
  bool boolean() {
    skip_spaces();
    const bool yes = text_.starts_with("True");
    check(yes || text_.starts_with("False"), file_,
          ": expected True or False for fortran_order, found ", here());
    text_.remove_prefix(yes ? 4 : 5);
    return yes;
  }
  Index whole_number() {
    skip_spaces();
    const std::size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    // 18 digits fit into 63 bits; and Python knows no 03.
    check(0 < digits && digits <= 18 && (digits == 1 || text_[0] != '0'), file_,
          ": expected whole numbers from 0 to 10^18 in shape, found ", here());
    std::int64_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = 10 * value + (text_[i] - '0');
    check(value <= std::numeric_limits<Index>::max(), file_,
          ": expected a shape that fits into memory, found ", value, " in it");
    text_.remove_prefix(digits);
    return static_cast<Index>(value);
  }
  std::vector<Index> tuple() {
    std::vector<Index> extents;
    bool comma = true;
    expect('(');
    while (!next(')')) {
      if (!comma) expect(',');
      extents.push_back(whole_number());
      comma = next(',');
    }
    check(comma || extents.size() != 1, file_,
          ": expected a tuple, (3,), in shape, found a number in brackets, (3)");
    return extents;
  }

  std::string_view text_, file_;
};

}  // namespace fovea::inline FOVEA_ABI::detail
