// SPDX-License-Identifier: MIT
//
// The header of a safetensors file: from its text to what it says, or to an error message
// about what is wrong with it.
//
// The parser hands over one token after the other, and the first unexpected one is refused: neither
// a strange form nor a deep one costs memory. What has the right form is then held against the
// data: sizes that follow from type and shape, and offsets that cover the data exactly.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "fovea/io/json.hpp"
#include "fovea/io/stored_tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a file says about itself, in strings.
using Metadata = std::map<std::string, std::string>;

namespace detail {

inline constexpr std::size_t longest_header = 100'000'000;  // bytes, as the reference reader has it
inline constexpr std::size_t most_in_a_list = 64;           // numbers in a shape

// What a header says of one tensor.
struct HeaderEntry {
  std::string name;
  std::string dtype = {};
  std::vector<std::uint64_t> shape = {}, offsets = {};
};

// The events of nlohmann's parser. All of them return true, for "go on", or throw.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view file) : file_(file) {}

  std::vector<HeaderEntry> entries{};
  Metadata metadata{};

  bool start_object(std::size_t) {
    if (level_ == Level::outside)
      level_ = Level::header;
    else if (level_ == Level::header)
      level_ = key_ == "__metadata__" ? Level::metadata : Level::tensor;
    else
      refuse("an object");
    return true;
  }

  bool end_object() {
    if (level_ == Level::tensor)
      for (const char* const field : {"dtype", "shape", "data_offsets"})
        check(fields_.contains(field), file_, ": expected a ", field, " of ",
              printable(entries.back().name), ", found none");
    level_ = level_ == Level::header ? Level::outside : Level::header;
    return true;
  }

  bool key(const std::string& key) {
    const bool tensor = level_ == Level::tensor;
    if (level_ == Level::header) {
      fields_.clear();
      key_ = key;
      if (key != "__metadata__") entries.push_back({key});
    }
    field_ = key;
    check(!tensor || key == "dtype" || key == "shape" || key == "data_offsets", file_,
          ": expected dtype, shape and data_offsets of ", printable(key_), ", found ",
          printable(key));
    auto& seen = level_ == Level::header ? names_ : fields_;
    check(seen.insert(key).second, file_, ": expected every key once, found ", printable(key),
          " twice", level_ == Level::header ? "" : " in ",
          level_ == Level::header ? "" : printable(key_));
    return true;
  }

  bool string(const std::string& text) {
    if (level_ == Level::metadata)
      metadata[field_] = text;
    else if (level_ == Level::tensor && field_ == "dtype")
      entries.back().dtype = text;
    else
      refuse(concat("the string ", printable(text)));
    return true;
  }

  bool start_array(std::size_t) {
    if (level_ != Level::tensor || field_ == "dtype") refuse("an array");
    level_ = Level::list;
    return true;
  }

  bool end_array() {
    level_ = Level::tensor;
    return true;
  }

  bool number_unsigned(std::uint64_t number) {
    if (level_ != Level::list) refuse(concat("the number ", number));
    auto& list = field_ == "shape" ? entries.back().shape : entries.back().offsets;
    check(list.size() < most_in_a_list, file_, ": expected at most ", most_in_a_list,
          " numbers in the ", field_, " of ", printable(key_), ", found more");
    list.push_back(number);
    return true;
  }

  bool number_integer(std::int64_t number) { refuse(concat("the number ", number)); }
  bool number_float(double, const std::string& text) {
    refuse(concat("the number ", printable(text)));
  }
  bool null() { refuse("null"); }
  bool boolean(bool value) { refuse(value ? "true" : "false"); }
  bool binary(nlohmann::json::binary_t&) { refuse("bytes"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    fail(file_, ": expected a header that is JSON in UTF-8, found an error at its byte ", position);
  }

 private:
  enum class Level { outside, header, metadata, tensor, list };

  [[noreturn]] void refuse(std::string_view found) const {
    const char* expected = "an object";
    if (level_ == Level::metadata || (level_ == Level::tensor && field_ == "dtype"))
      expected = "a string";
    else if (level_ == Level::tensor)
      expected = "an array";
    else if (level_ == Level::list)
      expected = "whole numbers of 0 or more";
    const bool below =
        level_ == Level::metadata || level_ == Level::tensor || level_ == Level::list;
    fail(file_, ": expected ", expected, " for ", printable(field_), below ? " of " : "",
         below ? printable(key_) : "", ", found ", found);
  }

  std::string_view file_;
  Level level_ = Level::outside;
  std::string key_ = "the header", field_ = "the header";
  std::set<std::string> names_{}, fields_{};
};

// The same, held against the data: where in it the tensor's bytes begin and end.
struct HeaderTensor {
  std::string name;
  Dtype dtype;
  std::vector<Index> shape;
  std::size_t begin, end;
};

struct Header {
  std::vector<HeaderTensor> tensors;  // in the order of their bytes
  Metadata metadata;
};

inline HeaderTensor checked(const HeaderEntry& entry, std::size_t data, std::string_view file) {
  const std::string name = printable(entry.name);
  const auto dtype = dtype_named(entry.dtype);
  check(dtype.has_value(), file,
        ": expected I64, F64, F32, BF16, F16, U8 or BOOL for the dtype of ", name, ", found ",
        printable(entry.dtype));
  HeaderTensor tensor{entry.name, *dtype, {}, 0, 0};
  Index promised = size_of(*dtype);
  for (const std::uint64_t extent : entry.shape) {
    const bool overflow = extent > std::uint64_t{std::numeric_limits<Index>::max()} ||
                          __builtin_mul_overflow(promised, static_cast<Index>(extent), &promised);
    check(!overflow, file, ": expected a shape of ", name, " of less than 2^",
          std::numeric_limits<Index>::digits, " bytes, found one that overflows at ", extent);
    tensor.shape.push_back(static_cast<Index>(extent));
  }
  check(entry.offsets.size() == 2, file, ": expected two data_offsets of ", name, ", found ",
        entry.offsets.size());
  // Compared in 64 bits: std::size_t has 32 in WebAssembly.
  const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
  check(begin <= end && end <= data, file, ": expected data_offsets of ", name, " in the ", data,
        " bytes of data, found ", begin, " to ", end, begin <= end ? " (a truncated file?)" : "");
  tensor.begin = static_cast<std::size_t>(begin);
  tensor.end = static_cast<std::size_t>(end);
  check(tensor.end - tensor.begin == static_cast<std::size_t>(promised), file, ": expected ",
        promised, " bytes for ", name, ", ", *dtype, " ", extents_text(tensor.shape), ", found ",
        tensor.end - tensor.begin);
  return tensor;
}

// `data` is the number of bytes after the header, `file` its name for errors.
inline Header parse_header(std::string_view text, std::size_t data, std::string_view file) {
  const std::size_t zero = text.find('\0');  // the parser would take it for the end
  check(zero == text.npos, file,
        ": expected a header that is JSON in UTF-8, found a zero at its byte ", zero);
  HeaderReader reader(file);
  {
    const PlainLocale here;
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  }

  Header header{{}, std::move(reader.metadata)};
  for (const HeaderEntry& entry : reader.entries)
    header.tensors.push_back(checked(entry, data, file));
  std::sort(header.tensors.begin(), header.tensors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::size_t at = 0;
  for (const HeaderTensor& tensor : header.tensors) {
    check(tensor.begin == at, file, ": expected ", printable(tensor.name), " to begin at ", at,
          ", where the tensor before it ends, found ", tensor.begin,
          tensor.begin > at ? " (a hole)" : " (an overlap)");
    at = tensor.end;
  }
  check(at == data, file, ": expected ", at, " bytes of data, found ", data, " (trailing bytes)");
  return header;
}

}  // namespace detail
}  // namespace fovea::inline FOVEA_ABI
