// SPDX-License-Identifier: MIT
//
// A page that keeps what is on it: every figure also as a file, every number also in explain.json.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "fovea/train/metrics.hpp"
#include "report/report.hpp"

class Page : public report::Report {
 public:
  Page(std::filesystem::path directory, std::string title, std::string lead);

  /// A picture, also written to name.png, and its figure's number.
  fovea::Index picture(const std::string& name, const fovea::Image& image,
                       const report::FigureText& text);
  /// A chart, also written to name.svg.
  fovea::Index chart(const std::string& name, const std::string& svg,
                     const report::FigureText& text);

  /// Writes report.html and explain.json.
  void write() const;

  nlohmann::ordered_json numbers;  // explain.json

 private:
  std::filesystem::path directory_;
};

/// 0.98765 -> "0.988" with 3 digits.
std::string fixed(double value, int digits);
/// 0.98765, a share -> "98.8 %".
std::string percent(double share, int digits = 1);
/// "98.77 % (98.53 to 98.97)"
std::string with_interval(const fovea::Accuracy& accuracy, int digits = 1);
/// "1 filter", "3 filters"
std::string counted(fovea::Index count, const std::string& noun);
/// Percentages, as on the page.
nlohmann::ordered_json to_json(const fovea::Accuracy& accuracy);

/// Pictures in a row.
fovea::Image beside(const std::vector<fovea::Image>& pictures);
