// SPDX-License-Identifier: MIT
//
// JSON, by nlohmann's library, the only file that includes it. Link fovea::io.
//
// Metadata of weights files are strings; a list of numbers travels in one
// as the text of a JSON array.
#pragma once

#include <locale.h>

#include <nlohmann/json.hpp>

#include <string_view>
#include <vector>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

/// "[0.5,1,-3]": the shortest text of each number that reads back as the same double.
template <class Numbers>
std::string numbers_to_json(const Numbers& numbers) {
  std::vector<double> values(numbers.begin(), numbers.end());
  return nlohmann::json(values).dump();
}

// While it lives, this thread has the locale "C". The parser of nlohmann::json asks the locale for
// its decimal point, and reads wrong numbers where that has more than one byte.
class PlainLocale {
 public:
  PlainLocale() : plain_(::newlocale(LC_ALL_MASK, "C", nullptr)), before_(::uselocale(plain_)) {}
  ~PlainLocale() {
    ::uselocale(before_);
    if (plain_) ::freelocale(plain_);
  }
  PlainLocale(const PlainLocale&) = delete;
  PlainLocale& operator=(const PlainLocale&) = delete;

 private:
  ::locale_t plain_, before_;
};

/// The value in a text; a discarded one if there is none.
inline nlohmann::json parse_json(std::string_view text) {
  const PlainLocale here;
  return nlohmann::json::parse(text, nullptr, false);
}

/// The numbers in such a text; `name` is for errors.
inline std::vector<double> numbers_from_json(std::string_view text, std::string_view name) {
  const auto json = parse_json(text);
  bool numbers = json.is_array();
  for (std::size_t i = 0; numbers && i < json.size(); ++i) numbers = json[i].is_number();
  check(numbers, name, ": expected a JSON array of numbers, found ", printable(text));
  return json.get<std::vector<double>>();
}

}  // namespace detail
}  // namespace fovea::inline FOVEA_ABI
