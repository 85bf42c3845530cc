// SPDX-License-Identifier: MIT
//
// The header of an npy file: a Python dictionary, read without Python.
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (10000, 10), }
//
// descr is the type of the numbers, in three parts:
//
//   order   < least significant byte first, > most significant first; else: the machine's own
//   kind    b true or false, i whole, u whole without a sign, f floating point
//   bytes   of one number
//
// Of the language just these are understood: the three keys, in any order, each once; strings
// without a backslash, True and False, tuples of whole numbers (Python 2 wrote 3L for 3); spaces
// and a last comma where Python has them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/shape.hpp"

namespace fovea::inline FOVEA_ABI::detail {

/// What np.save calls a T: "<f4".
template <class T>
inline constexpr std::string_view npy_descr = []() -> std::string_view {
  constexpr std::string_view whole[]{"|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8"};
  if constexpr (std::same_as<T, bool>) {
    return "|b1";
  } else if constexpr (std::floating_point<T>) {
    static_assert(sizeof(T) <= 8, "npy: float or double, as long double differs between machines");
    return sizeof(T) == 4 ? "<f4" : "<f8";
  } else {
    static_assert(!std::same_as<T, char>, "npy: whole numbers of 8 bits are int8_t or uint8_t");
    return whole[std::bit_width(sizeof(T)) - 1 + (std::signed_integral<T> ? 0 : 4)];
  }
}();

struct NpyHeader {
  std::string type{};  // kind and bytes: "f4"
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<Index> shape{};
};

/// Why a file with this kind of numbers cannot be read, for an error message.
inline std::string_view npy_refusal(std::string_view type) {
  if (type.starts_with("f1")) return " (bits that differ between machines: save them as float64)";
  switch (type.empty() ? '\0' : type[0]) {
    case 'O':
      return " (pickled objects, which can run any program as they are read)";
    case 'c':
      return " (complex numbers: save their real and imaginary parts apart)";
    case 'S':
    case 'U':
      return " (text)";
    case 'M':
    case 'm':
      return " (times)";
    default:
      return "";
  }
}

/// Takes "<f4" apart.
inline void set_npy_type(NpyHeader& header, std::string_view descr, std::string_view file) {
  static constexpr std::string_view types[]{"b1", "i1", "i2", "i4", "i8", "u1",
                                            "u2", "u4", "u8", "f2", "f4", "f8"};
  const bool ordered = descr.find_first_of("<>=|") == 0;
  header.big_endian = descr.starts_with('>') ||
                      (!descr.starts_with('<') && std::endian::native == std::endian::big);
  header.type = descr.substr(ordered);
  check(std::count(std::begin(types), std::end(types), header.type) == 1, file,
        ": expected b1, i1 to i8, u1 to u8 or f2 to f8 for numbers, found ", printable(descr),
        npy_refusal(header.type));
}

/// The text that np.save (NumPy 1.24) writes: its keys sorted, and room for
/// a first extent of 21 digits.
inline std::string npy_text(std::string_view descr, std::span<const Index> shape) {
  const std::string first = to_string(shape.front());
  return concat("{'descr': '", descr, "', 'fortran_order': False, 'shape': ",
                shape.size() == 1 ? concat("(", first, ",)") : extents_text(shape), ", }",
                std::string(21 - first.size(), ' '));
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
      if (which == 0) set_npy_type(header, string("the type of plain numbers"), file_);
      if (which == 1) header.fortran_order = boolean();
      if (which == 2) header.shape = tuple();
      comma = next(',');
    }
    for (std::size_t i = 0; i < 3; ++i)
      check(seen[i], file_, ": expected the keys descr, fortran_order and shape, found no ",
            keys[i]);
    skip_spaces();
    check(text_.empty(), file_, ": expected nothing after the dictionary, found ", here());
    return header;
  }

 private:
  void skip_spaces() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n\f"), text_.size()));
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
    next('u');  // for Unicode, in Python 2
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
    long long value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = 10 * value + (text_[i] - '0');
    check(std::in_range<Index>(value), file_, ": expected a shape that fits into memory, found ",
          value, " in it");
    text_.remove_prefix(digits);
    if (text_.starts_with('L')) text_.remove_prefix(1);  // for long, in Python 2
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
