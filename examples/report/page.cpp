// SPDX-License-Identifier: MIT
#include "report/page.hpp"

using namespace fovea;

Page::Page(std::filesystem::path directory, std::string title, std::string lead)
    : Report(std::move(title), std::move(lead)), directory_(std::move(directory)) {}

Index Page::picture(const std::string& name, const Image& image, const report::FigureText& text) {
  const Bytes png = encode_png(image);
  write_file(directory_ / (name + ".png"), png);
  return figure(std::span<const std::uint8_t>(png), text);
}

Index Page::chart(const std::string& name, const std::string& svg, const report::FigureText& text) {
  write_file(directory_ / (name + ".svg"), svg);
  return figure(svg, text);
}

void Page::write() const {
  write_file(directory_ / "report.html", html());
  write_file(directory_ / "explain.json", numbers.dump(2) + "\n");
}

std::string fixed(double value, int digits) {
  const std::string text = formatted(value, digits, 'f');
  const bool zero = text.find_first_of("123456789") == std::string::npos;
  return zero && text[0] == '-' ? text.substr(1) : text;  // no "-0.00"
}

std::string percent(double share, int digits) { return fixed(100 * share, digits) + " %"; }

std::string with_interval(const Accuracy& accuracy, int digits) {
  const auto [low, high] = accuracy.interval();
  return concat(fixed(accuracy.percent(), digits), " % (", fixed(low, digits), " to ",
                fixed(high, digits), ")");
}

std::string counted(Index count, const std::string& noun) {
  return concat(count, " ", noun, count == 1 ? "" : "s");
}

nlohmann::ordered_json to_json(const Accuracy& accuracy) {
  const auto [low, high] = accuracy.interval();
  return {{"percent", accuracy.percent()},
          {"interval", {low, high}},
          {"correct", accuracy.correct},
          {"images", accuracy.total}};
}

Image beside(const std::vector<Image>& pictures) {
  Index height = 1, width = 0;
  for (const Image& p : pictures) height = std::max(height, p.height()), width += p.width();
  Image row(height, width);
  Index left = 0;
  for (const Image& p : pictures) row.paste(0, left, p), left += p.width();
  return row;
}
