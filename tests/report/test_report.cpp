// SPDX-License-Identifier: MIT
#include "charts/charts.hpp"
#include "report/report.hpp"
#include "support.hpp"

using namespace test;
using namespace charts;
using namespace report;

namespace {
const std::string attack = "<script>&\"'";
const std::string harmless = "&lt;script&gt;&amp;&quot;&#39;";
int occurrences(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}
}  // namespace

TEST_CASE("report: every text is escaped, wherever it enters") {
  Report page(attack, attack, attack);
  page.section(attack);
  page.subsection(attack);
  page.paragraph(attack);
  page.note(attack);
  page.preformatted(attack);
  page.finding(attack, attack);
  page.list({attack});
  page.key_numbers({{attack, attack}});
  page.table(attack, {attack, attack}, {{attack, attack}});
  page.figure(Image(2, 3), {attack, attack, attack, attack});
  page.figure(line_chart({{.name = attack, .color = attack}},
                         {.title = attack, .x = {.label = attack}, .y = {.label = attack}}),
              {.what = attack, .alt = attack});
  page.footer(attack);
  const std::string html = page.html();
  CHECK(!contains(html, "<script"));
  CHECK(!contains(html, attack));
  // lang, title and h1, lead; two headings, twice; six paragraphs and the like; a list; a card; a table of five;
  // four of a picture; title twice, name, labels and two colours of a chart, its caption and text; the footer.
  CHECK(occurrences(html, harmless) == 4 + 4 + 5 + 1 + 2 + 5 + 4 + 7 + 2 + 1);
}

TEST_CASE("report: figures have numbers, sizes, words, and all bytes") {
  Report page("t");
  CHECK(page.next_figure() == 1);
  const Image image(20, 700);
  CHECK(page.figure(image, {.what = "w 5 %", .read = "r", .scale = "s", .alt = "a"}) == 1);
  CHECK(page.figure(std::span<const std::uint8_t>(encode_png(Image(4, 6))),
                    {.what = "w", .alt = "b"}) == 2);
  CHECK(page.figure(line_chart({}, {}), {.what = "w", .alt = "c"}) == 3);
  CHECK(page.table("c", {"x"}, {}) == 1);
  CHECK(page.table("c", {"x"}, {{"1"}}) == 2);
  const std::string html = page.html();
  CHECK(contains(html, "width=\"700\" height=\"20\""));
  CHECK(contains(html, "tabindex=\"0\" role=\"group\" aria-label=\"Figure 1\""));
  CHECK(contains(html, "data:image/png;base64," + base64(encode_png(image)) + "\""));
  CHECK(
      contains(html, "<b>Figure 1.</b> w 5\xC2\xA0% <b>How to read it:</b> r <b>Scale:</b> s</p>"));
  CHECK(contains(html, "<img class=\"small\" width=\"6\" height=\"4\""));
  CHECK(contains(html, "<svg role=\"img\" aria-label=\"c\" xmlns="));
  CHECK(contains(html, "id=\"figure-3\""));
  for (const char* word : {"http://", "https://", "url(", "@import"}) {
    CAPTURE(word);
    CHECK(occurrences(html, word) ==
          (std::string(word) == "http://" ? 1 : 0));  // the name of SVG's namespace
  }
}

TEST_CASE("report: contents nest, columns of numbers stand right") {
  Report page("t");
  page.section("A");
  page.subsection("A1");
  page.subsection("A2");
  page.section("B");
  page.table("c", {"name", "number", "mixed", "words"},
             {{"x", "-1.5 %", "1", "a text that is quite a lot longer"}, {"y", "NaN", "two", "1"}});
  const std::string html = page.html();
  CHECK(contains(html,
                 "A</a>\n<ol>\n<li><a href=\"#part-2\">A1</a></li>\n<li><a "
                 "href=\"#part-3\">A2</a></li>\n</ol>\n</li>\n<li><a "
                 "href=\"#part-4\">B</a></li>\n</ol>\n</nav>"));
  CHECK(contains(html, "<h3 id=\"part-2\">A1</h3>"));
  CHECK(contains(html,
                 "<th scope=\"col\" class=\"short\">name</th><th scope=\"col\" "
                 "class=\"number\">number</th><th scope=\"col\" class=\"short\">mixed</th><th "
                 "scope=\"col\">words</th>"));
  CHECK(contains(html, "<td class=\"number\">NaN</td>"));
}

TEST_CASE("report: bad input in words") {
  Report page("t");
  CHECK(contains(error_of([] { Report(""); }), "report: expected a title"));
  CHECK(contains(error_of([&] { page.section(""); }), "expected a heading"));
  CHECK(contains(error_of([&] { page.subsection("x"); }),
                 "expected a section before the subsection x"));
  CHECK(contains(error_of([&] { page.list({}); }), "a list of at least one item"));
  CHECK(contains(error_of([&] { page.key_numbers({}); }), "at least one number"));
  CHECK(contains(error_of([&] { page.table("c", {}, {}); }),
                 "expected a table with columns, got none in c"));
  CHECK(contains(error_of([&] {
                   page.table("c", {"a", "b"}, {{"1"}});
                 }),
                 "expected rows of 2 cells in c, got one of 1"));
  CHECK(contains(error_of([&] { page.figure(Image(1, 1), {.what = "w"}); }),
                 "alternative text of figure 1, got 'w' and ''"));
  CHECK(contains(error_of([&] { page.figure(Image(1, 1), {.alt = "w"}); }), "got '' and 'w'"));
  CHECK(
      contains(error_of([&] {
                 page.figure(std::span<const std::uint8_t>(Bytes{1, 2}), {.what = "w", .alt = "w"});
               }),
               "expected a PNG file in the figure w, got 2 other bytes"));
  CHECK(contains(error_of([&] { page.figure(std::string_view("<p>"), {.what = "w", .alt = "w"}); }),
                 "expected an SVG chart"));
  CHECK(contains(
      error_of([&] { page.figure(std::string_view("<svg <script>"), {.what = "w", .alt = "w"}); }),
      "without scripts"));
  CHECK(page.next_figure() == 1);  // a figure that was refused has no number
}
