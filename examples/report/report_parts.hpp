// SPDX-License-Identifier: MIT
//
// The parts of a Report (report/report.hpp) as HTML: tables, pictures, figures. Every picture has
// an alternative text, its width and height (so that nothing jumps while it loads) and a caption
// that says what it is, how to read it and its scale.
#pragma once

#include <array>
#include <vector>

#include "charts/markup.hpp"

namespace report {

using namespace fovea;
using charts::base64;
using charts::escape_markup;

/// The words of a figure. `alt` is for readers without the picture: what is there to be seen.
struct FigureText {
  std::string what = {}, read = {}, scale = {}, alt = {};  ///< what it is, how to read it, ...
};

namespace internal {

/// Text as it is printed: no line ends between a number and its percent sign.
inline std::string prose(std::string_view text) {
  std::string html = escape_markup(text);
  for (std::size_t at = 0; (at = html.find(" %", at)) != html.npos;)
    html.replace(at, 1, "\xC2\xA0");
  return html;
}

using TableRow = std::vector<std::string>;

/// Digits with their signs, points, units %, and the text for a missing number.
inline bool looks_like_number(std::string_view cell) {
  if (cell.empty() || cell == "-" || cell == "NaN" || cell == "inf" || cell == "-inf") return true;
  bool digit = false;
  for (const char c : cell) {
    digit |= '0' <= c && c <= '9';
    const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;  // a minus sign, a thin space
    if (!beyond_ascii &&
        std::string_view("0123456789e+-.,%<>=()[]/ ").find(c) == std::string_view::npos)
      return false;
  }
  return digit;
}

/// A table in a box that scrolls by itself; columns of numbers are right-aligned,
/// and short cells on one line.
inline std::string table_markup(const std::string& name, const std::string& caption,
                                const TableRow& head, const std::vector<TableRow>& rows) {
  check(!head.empty(), "report: expected a table with columns, got none in ", caption);
  std::vector<const char*> kind(head.size(), rows.empty() ? "" : " class=\"number\"");
  for (const TableRow& row : rows) {
    check(row.size() == head.size(), "report: expected rows of ", head.size(), " cells in ",
          caption, ", got one of ", row.size());
    for (std::size_t c = 0; c < row.size(); ++c)
      if (row[c].size() > 24)
        kind[c] = "";
      else if (!looks_like_number(row[c]) && *kind[c] != 0)
        kind[c] = " class=\"short\"";
  }
  std::string html =
      concat("<figure>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"", name,
             "\">\n<table>\n<thead>\n<tr>");
  for (std::size_t c = 0; c < head.size(); ++c)
    html += concat("<th scope=\"col\"", kind[c], ">", escape_markup(head[c]), "</th>");
  html += "</tr>\n</thead>\n<tbody>\n";
  for (const TableRow& row : rows) {
    html += concat("<tr><th scope=\"row\"", kind[0], ">", escape_markup(row[0]), "</th>");
    for (std::size_t c = 1; c < row.size(); ++c)
      html += concat("<td", kind[c], ">", escape_markup(row[c]), "</td>");
    html += "</tr>\n";
  }
  return concat(html, "</tbody>\n</table>\n</div>\n<figcaption><p><b>", name, ".</b> ",
                prose(caption), "</p></figcaption>\n</figure>\n");
}

/// A PNG file as a picture. It is never shown below half its size, so that its
/// letters stay legible; where that is wider than the screen it scrolls in its frame,
/// which the keyboard can reach.
inline std::string png_markup(const std::string& name, std::span<const std::uint8_t> png,
                              const FigureText& text) {
  constexpr std::array<std::uint8_t, 8> signature{0x89, 'P', 'N', 'G', 13, 10, 26, 10};
  check(png.size() > 24 && std::equal(signature.begin(), signature.end(), png.begin()),
        "report: expected a PNG file in the figure ", text.what, ", got ", png.size(),
        " other bytes");
  const auto number = [&](std::size_t at) {
    return png[at] << 24 | png[at + 1] << 16 | png[at + 2] << 8 | png[at + 3];
  };
  const int width = number(16), height = number(20), least = width / 2;  // of IHDR, the first chunk
  return concat("<div class=\"frame\"",
                least > 300 ? " tabindex=\"0\" role=\"group\" aria-label=\"" + name + "\"" : "",
                "><img", width <= 320 ? " class=\"small\"" : "", " width=\"", width, "\" height=\"",
                height, "\" style=\"min-width:", least, "px\" alt=\"", escape_markup(text.alt),
                "\" src=\"data:image/png;base64,", base64(png), "\"></div>");
}

/// An SVG chart with its alternative text.
inline std::string svg_markup(std::string_view svg, const FigureText& text) {
  check(svg.starts_with("<svg ") && svg.find("<script") == svg.npos,
        "report: expected an SVG chart without scripts in the figure ", text.what, ", got ",
        svg.substr(0, 20));
  return concat("<div class=\"frame\"><svg role=\"img\" aria-label=\"", escape_markup(text.alt),
                "\" ", svg.substr(5), "</div>");
}

/// A picture with its caption.
inline std::string figure_markup(Index number, const std::string& picture, const FigureText& text) {
  check(!text.what.empty() && !text.alt.empty(),
        "report: expected a caption and an alternative text of figure ", number, ", got '",
        text.what, "' and '", text.alt, "'");
  return concat("<figure id=\"figure-", number, "\">\n", picture, "\n<figcaption><p><b>Figure ",
                number, ".</b> ", prose(text.what),
                text.read.empty() ? "" : " <b>How to read it:</b> " + prose(text.read),
                text.scale.empty() ? "" : " <b>Scale:</b> " + prose(text.scale),
                "</p></figcaption>\n</figure>\n");
}

}  // namespace internal

}  // namespace report
