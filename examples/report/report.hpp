// SPDX-License-Identifier: MIT
//
// Report: a page of text, tables and figures as one HTML file, with everything it needs inside: no
// scripts, no network, nothing beside it that could get lost.
//
//   Report page("What the network sees", "One digit, four layers.");
//   page.section("Filters");
//   page.paragraph("Every filter is a 3 x 3 pattern.");
//   page.figure(gallery(filters), {.what = "The filters of conv1.", .read = "Red adds.",
//                                  .scale = "One for all filters.", .alt = "32 filters."});
//   write_file("report.html", page.html());
//
// All text is escaped: what a caller passes is read, never obeyed. Pictures are data:
// URIs (RFC 2397), charts are inline SVG, which the style sheet
// (report/report_style.hpp) colours for light and dark.
#pragma once

#include "fovea/viz/png.hpp"
#include "report/report_parts.hpp"
#include "report/report_style.hpp"

namespace report {

/// A page of HTML in one file, written from the top down.
class Report {
 public:
  /// The cells of one row of a table.
  using Row = std::vector<std::string>;

  /// Throws on an empty title. `language` as in BCP 47: "en", "de".
  explicit Report(std::string title, std::string lead = {}, std::string language = "en")
      : title_(std::move(title)), lead_(std::move(lead)), language_(std::move(language)) {
    check(!title_.empty(), "report: expected a title, got an empty one");
  }

  /// A heading that the contents list.
  void section(const std::string& heading) { add_heading(heading, 2); }
  /// A heading below the last section.
  void subsection(const std::string& heading) {
    check(!headings_.empty(), "report: expected a section before the subsection ", heading,
          ", got none");
    add_heading(heading, 3);
  }

  /// Plain text; it is escaped.
  void paragraph(std::string_view text) { body_ += "<p>" + internal::prose(text) + "</p>\n"; }
  /// Small print.
  void note(std::string_view text) {
    body_ += "<p class=\"note\">" + internal::prose(text) + "</p>\n";
  }
  /// Text that keeps its lines: a formula, a network, a command.
  void preformatted(std::string_view text) {
    body_ += "<pre tabindex=\"0\"><code>" + escape_markup(text) + "</code></pre>\n";
  }
  /// What was found, in a few words and then with its numbers.
  void finding(std::string_view headline, std::string_view text) {
    body_ += concat("<div class=\"finding\"><b>", internal::prose(headline), "</b>",
                    text.empty() ? "" : "<p>" + internal::prose(text) + "</p>", "</div>\n");
  }
  /// One item or more, each a line with a dot.
  void list(const std::vector<std::string>& items) {
    check(!items.empty(), "report: expected a list of at least one item, got none");
    body_ += "<ul>\n";
    for (const auto& item : items) body_ += "<li>" + internal::prose(item) + "</li>\n";
    body_ += "</ul>\n";
  }
  /// Large numbers on cards: {"98.9 %", "accuracy on 10 000 test images"}.
  void key_numbers(const std::vector<std::pair<std::string, std::string>>& numbers) {
    check(!numbers.empty(), "report: expected at least one number, got none");
    body_ += "<dl class=\"key-numbers\">\n";
    for (const auto& [number, meaning] : numbers)
      body_ += concat("<div><dt>", escape_markup(meaning), "</dt><dd>", escape_markup(number),
                      "</dd></div>\n");
    body_ += "</dl>\n";
  }
  /// The last lines of the page.
  void footer(std::string_view text) { footer_ = escape_markup(text); }

  /// A table; the first cell of a row is its heading, numbers are
  /// right-aligned. Returns its number.
  Index table(const std::string& caption, const Row& head, const std::vector<Row>& rows) {
    const std::string name = concat("Table ", tables_ + 1);
    body_ += internal::table_markup(name, caption, head, rows);
    return ++tables_;
  }

  /// A picture; its figure's number.
  Index figure(const Image& image, const FigureText& text) {
    return figure(std::span<const std::uint8_t>(encode_png(image)), text);
  }
  /// The bytes of a PNG file.
  Index figure(std::span<const std::uint8_t> png, const FigureText& text) {
    return add_figure(internal::png_markup(concat("Figure ", figures_ + 1), png, text), text);
  }
  /// A chart of charts/charts.hpp.
  Index figure(std::string_view svg, const FigureText& text) {
    return add_figure(internal::svg_markup(svg, text), text);
  }

  /// The number that the next figure gets, to speak of it in advance.
  Index next_figure() const { return figures_ + 1; }

  /// The whole page.
  std::string html() const;

 private:
  struct Heading {
    int level;
    std::string id, text;
  };

  void add_heading(const std::string& text, int level) {
    check(!text.empty(), "report: expected a heading, got an empty one");
    headings_.push_back({level, concat("part-", headings_.size() + 1), text});
    body_ += concat("<h", level, " id=\"", headings_.back().id, "\">", escape_markup(text), "</h",
                    level, ">\n");
  }
  Index add_figure(const std::string& picture, const FigureText& text) {
    body_ += internal::figure_markup(figures_ + 1, picture, text);
    return ++figures_;
  }
  std::string contents() const;

  std::string title_, lead_, language_, body_{}, footer_{};
  std::vector<Heading> headings_{};
  Index figures_ = 0, tables_ = 0;
};

inline std::string Report::contents() const {
  if (headings_.empty()) return "";
  std::string list =
      "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">Contents</h2>\n<ol>\n";
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    const auto& [level, id, text] = headings_[i];
    const int next = i + 1 < headings_.size() ? headings_[i + 1].level : 2;
    list += concat("<li><a href=\"#", id, "\">", escape_markup(text), "</a>",
                   next > level ? "\n<ol>\n" : "</li>\n", next < level ? "</ol>\n</li>\n" : "");
  }
  return list + "</ol>\n</nav>\n";
}

inline std::string Report::html() const {
  const std::string title = escape_markup(title_);
  return concat(
      "<!DOCTYPE html>\n<html lang=\"", escape_markup(language_),
      "\">\n<head>\n<meta charset=\"utf-8\">\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>", title,
      "</title>\n", "<link rel=\"icon\" href=\"data:,\">\n<style>", internal::report_style,
      "</style>\n</head>\n<body>\n<header>\n<h1>", title, "</h1>\n",
      lead_.empty() ? "" : "<p class=\"lead\">" + escape_markup(lead_) + "</p>\n", "</header>\n",
      contents(), "<main>\n", body_, "</main>\n",
      footer_.empty() ? "" : "<footer><p>" + footer_ + "</p></footer>\n", "</body>\n</html>\n");
}

}  // namespace report
