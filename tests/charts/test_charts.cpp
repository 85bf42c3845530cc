// SPDX-License-Identifier: MIT
#include "charts/charts.hpp"
#include "support.hpp"

using namespace test;
using namespace charts;

namespace {

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Every tag is closed in its order, no attribute stands twice, nothing is unescaped: enough of XML for
/// what charts consist of.
void check_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  std::size_t at = 0;
  while ((at = svg.find('<', at)) != svg.npos) {
    const std::size_t end = svg.find('>', at);
    REQUIRE(end != svg.npos);
    std::string tag = svg.substr(at + 1, end - at - 1);
    CHECK(!contains(tag, "<"));
    CHECK(count(tag, "\"") % 2 == 0);
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag.starts_with('/')) {
      REQUIRE(!open.empty());
      CHECK("/" + open.back() == tag);
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(name);
    }
    for (const char* attribute :
         {" x=", " y=", " fill=", " class=", " font-size=", " text-anchor="})
      CHECK(count(tag, attribute) <= 1);
    at = end;
  }
  CHECK(open.empty());
  for (const char* word : {"nan", "inf\"", "inf "}) CHECK(!contains(svg, word));
}

}  // namespace

TEST_CASE("markup: escaped, well-formed UTF-8") {
  CHECK(escape_markup("<a b=\"c\" d='e'> & \xC3\xA9\n") ==
        "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt; &amp; \xC3\xA9\n");
  const std::string unknown = "\xEF\xBF\xBD";
  CHECK(escape_markup(std::string_view("\0\x01\x7F", 3)) == unknown + unknown + unknown);
  CHECK(escape_markup("\xC0\xAF") == unknown + unknown);                // overlong
  CHECK(escape_markup("\xED\xA0\x80") == unknown + unknown + unknown);  // a surrogate
  CHECK(escape_markup("\xE2\x82") == unknown + unknown);                // cut off
  CHECK(escape_markup("\xE2\x82\xAC\xF0\x9F\x98\x80") == "\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(escape_markup("\xF5\x80\x80\x80").size() == 12);
  CHECK(escape_markup("\xEF\xBF\xBE").size() == 9);
}

TEST_CASE("base64: the examples of RFC 4648") {
  const auto of = [](std::string_view text) {
    return base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  CHECK(of("") == "");
  CHECK(of("f") == "Zg==");
  CHECK(of("fo") == "Zm8=");
  CHECK(of("foo") == "Zm9v");
  CHECK(of("foobar") == "Zm9vYmFy");
  CHECK(of("\xFF\xFE\xFD") == "//79");
}

TEST_CASE("axes: round ticks, given limits, shares") {
  const auto texts = [](const Axis& axis, double least, double most, bool round) {
    std::string all;
    for (const auto& tick : charts::internal::fit(axis, least, most, round, "test").ticks)
      all += tick.text + "|";
    return all;
  };
  CHECK(texts({}, 0, 4.2, true) == "0|1|2|3|4|5|");
  CHECK(texts({}, 0, 4.2, false) == "0|1|2|3|4|");
  CHECK(texts({.from = -90.0, .to = 90.0, .tick = 30}, 0, 1, false) == "-90|-60|-30|0|30|60|90|");
  CHECK(texts({.to = 1.0, .percent = true}, 0, 0.97, true) == "0 %|20 %|40 %|60 %|80 %|100 %|");
  CHECK(texts({}, -0.002, 0.018, true) == "-0.005|0|0.005|0.01|0.015|0.02|");
  CHECK(texts({}, 0, 0, true) == "0|0.2|0.4|0.6|0.8|1|");
  CHECK(contains(error_of([] { charts::internal::fit({.to = 0.0}, 1, 2, true, "t"); }),
                 "t: expected an axis that ends above 1, got 0"));
  CHECK(contains(error_of([] { charts::internal::fit({.tick = 1e-9}, 0, 1, true, "t"); }),
                 "at most 100 ticks"));
  CHECK(contains(error_of([] { charts::internal::fit({.from = std::nan("")}, 0, 1, true, "t"); }),
                 "finite limits"));
}

TEST_CASE("axes: logarithmic ones have powers of ten at equal distances") {
  const auto texts = [](const Axis& axis, double least, double most, bool round) {
    std::string all;
    const auto range = charts::internal::fit(axis, least, most, round, "test");
    for (const auto& tick : range.ticks) all += tick.text + "|";
    CHECK(range.share(range.low) == doctest::Approx(0));
    CHECK(range.share(range.high) == doctest::Approx(1));
    CHECK(range.share(std::sqrt(range.low * range.high)) == doctest::Approx(0.5));
    return all;
  };
  CHECK(texts({.logarithmic = true}, 1e-4, 0.3, false) == "0.0001|0.001|0.01|0.1|");
  CHECK(texts({.logarithmic = true}, 0.02, 300, false) == "0.1|1|10|100|");
  CHECK(texts({.logarithmic = true}, 0.02, 300, true) == "0.01|0.1|1|10|100|1000|");
  CHECK(texts({.from = 0.1, .to = 10, .logarithmic = true}, 2, 3, true) == "0.1|1|10|");
  CHECK(texts({.logarithmic = true}, 2, 2, false) == "10|");
  CHECK(error_of([&] { texts({.logarithmic = true}, 0, 1, false); }) ==
        "test: expected numbers above 0 on a logarithmic axis, got 0");
  // Of a line over two powers of ten the middle is at the factor of ten; the y axis need not have a zero.
  const Line line{.x = {1, 10, 100}, .y = {1, 100, 10000}};
  const std::string svg =
      line_chart({line}, {.x = {.logarithmic = true}, .y = {.logarithmic = true}});
  check_well_formed(svg);
  const std::size_t path = svg.find("stroke-linejoin");
  REQUIRE(path != svg.npos);
  const char* numbers = svg.c_str() + svg.find("d=\"M", path) + 4;
  double x[3], y[3];
  for (int k = 0; k < 3; ++k) {
    char* end = nullptr;
    x[k] = std::strtod(numbers, &end);
    y[k] = std::strtod(end, &end);
    numbers = end;
  }
  CHECK(x[1] - x[0] == doctest::Approx(x[2] - x[1]));
  CHECK(y[0] - y[1] == doctest::Approx(y[1] - y[2]));
  CHECK(x[1] - x[0] > 100);
}

TEST_CASE("line_chart: bands, gaps, what is not a number is seen") {
  const double nan = std::nan("");
  const Line line{.name = "a <&> \"b\"",
                  .x = {-90, 0, 45, 90},
                  .y = {0.1, nan, 0.8, INFINITY},
                  .low = {0.05, 0.4, 0.7, nan},
                  .high = {0.15, 0.6, 0.9, 1}};
  const std::string svg =
      line_chart({line, {.name = "b", .color = "\"/><script>", .x = {0}, .y = {1}}},
                 {.title = "<script>", .x = {.label = "x & y"}, .y = {.percent = true}});
  check_well_formed(svg);
  CHECK(!contains(svg, "<script"));
  CHECK(contains(svg, "a &lt;&amp;&gt; &quot;b&quot;"));
  CHECK(count(svg, "fill-opacity=\"0.2\"") == 1);  // the band has no gap where only y has one
  CHECK(count(svg, "stroke-linejoin=\"round\"") == 2 + 1);  // two stretches, and the other line
  CHECK(count(svg, ">NaN<") == 1);
  CHECK(count(svg, ">+inf<") == 1);
  CHECK(contains(svg, ">-50<"));  // the axis begins below zero
  CHECK(contains(svg, ">100 %<"));
  check_well_formed(line_chart({}, {}));
  CHECK(
      contains(error_of([] {
                 line_chart({{.name = "a", .x = {1, 2}, .y = {1, 2}, .low = {1}, .high = {1}}}, {});
               }),
               "line_chart: expected a band of 2 values or none in a, got 1 and 1"));
  CHECK(contains(error_of([] { line_chart({{.name = "a", .x = {1}, .y = {1}, .low = {1}}}, {}); }),
                 "got 1 and 0"));
  CHECK(contains(error_of([] {
                   line_chart({{.name = "a", .x = {1}, .y = {1, 2}}}, {});
                 }),
                 "as many x as y in a, got 1 and 2"));
}

TEST_CASE("line_chart: names are escaped, a gap is no number") {
  const std::string svg =
      line_chart({{.name = "a<b", .color = "#123456", .x = {0, 1, 2}, .y = {3, std::nan(""), 1}}},
                 {.title = "T & U", .x = {.label = "x"}, .y = {.label = "y"}});
  CHECK(svg.starts_with("<svg "));
  CHECK(contains(svg, "T &amp; U"));
  CHECK(contains(svg, "a&lt;b"));
  CHECK(!contains(svg, "nan"));
  CHECK(contains(svg, "</svg>"));
  CHECK(contains(line_chart({}, {}), "</svg>"));
  CHECK(contains(error_of([] { line_chart({{.name = "a", .x = {1}}}, {}); }), "as many x as y"));
}

TEST_CASE("line_chart: four marks, told apart without colour; a long title has lines") {
  std::vector<Line> lines;
  for (const char* name : {"a", "b", "c", "d"}) lines.push_back({.name = name, .x = {1}, .y = {1}});
  const std::string svg = line_chart(lines, {});
  check_well_formed(svg);
  for (const char* mark : {"<circle", "h9v9h-9z", "l6 10h-12z", "l6 6l-6 6l-6 -6z"})
    CHECK(contains(svg, mark));
  CHECK(charts::internal::wrap("one two three", 8) == std::vector<std::string>{"one two", "three"});
  CHECK(charts::internal::wrap("uninterrupted", 8) == std::vector<std::string>{"uninterrupted"});
}

TEST_CASE("line_chart: a value stands where its axis says, inside the plot") {
  charts::internal::ChartFrame chart("t", {.low = -90, .high = 90}, {.low = 0, .high = 1}, {});
  CHECK(chart.x(-90) == doctest::Approx(chart.left()));
  CHECK(chart.x(90) == doctest::Approx(charts::internal::ChartFrame::right));
  CHECK(chart.x(0) == doctest::Approx((chart.left() + charts::internal::ChartFrame::right) / 2));
  CHECK(chart.y(0) == doctest::Approx(chart.bottom()));
  CHECK(chart.y(1) == doctest::Approx(chart.top()));
  // The more names in the legend, the lower the plot begins: they never meet.
  charts::internal::ChartFrame crowded(
      "t", {}, {}, std::vector<charts::internal::LegendEntry>(9, {"a rather long name", "", ""}));
  CHECK(crowded.top() >= chart.top() + 4 * 22);
}

TEST_CASE("bar_chart: upright and lying, whiskers, below zero, NaN") {
  const std::vector<Bars> bars{
      {.name = "p", .values = {0.5, -0.1}},
      {.name = "q", .values = {std::nan(""), 0.2}, .low = {0, 0.1}, .high = {1, 0.3}}};
  const std::string upright = bar_chart({"a", "b<"}, bars, {.title = "t", .label = "l"});
  check_well_formed(upright);
  CHECK(count(upright, "Z\"/>") == 3);
  CHECK(count(upright, "class=\"whisker\"") == 2);
  CHECK(count(upright, ">NaN<") == 1);
  CHECK(contains(upright, "b&lt;"));
  const std::vector<std::string> long_names(15, "a long name of a corruption");
  const std::string lying = bar_chart(long_names, {{.values = std::vector<double>(15, 0.5)}}, {});
  check_well_formed(lying);
  CHECK(count(lying, "a long name of a corruption") == 15);  // none is left out
  CHECK(contains(error_of([] { bar_chart({}, {{}}, {}); }),
                 "bar_chart: expected categories and bars, got 0 and 1"));
  CHECK(contains(error_of([] {
                   bar_chart({"a"}, {{.name = "n", .values = {1, 2}}}, {});
                 }),
                 "expected 1 values in n, got 2"));
  CHECK(contains(error_of([] { bar_chart({"a"}, {{.name = "n", .values = {1}, .low = {1}}}, {}); }),
                 "whiskers or none in n, got 1 and 0"));
}

TEST_CASE("histogram: every value is counted once, what is not shown is said") {
  const std::vector<double> values{0, 0.1, 0.1, 0.5, 1, 2, std::nan("")};
  const std::string svg =
      histogram(values, {.title = "h", .x = {.from = 0.0, .to = 1.0}, .bins = 2});
  check_well_formed(svg);
  CHECK(contains(svg, "h (not shown: 2)"));
  CHECK(count(svg, "Z\"/>") == 2);
  check_well_formed(histogram(std::vector<double>{3, 3, 3}, {}));
  CHECK(contains(error_of([] { histogram({}, {}); }),
                 "histogram: expected values and bins, got 0 and 30"));
}

TEST_CASE("reliability_diagram: bars, counts, the diagonal") {
  const std::string svg = reliability_diagram({0, 0.4, std::nan(""), 1}, {0, 0.3, 0.6, 0.9},
                                              {0, 7, 3, 90}, {.title = "r"});
  check_well_formed(svg);
  CHECK(count(svg, "Z\"/></g>") ==
        2);  // the empty bin and the one that is not a number have no bar
  CHECK(count(svg, ">90<") == 1);
  CHECK(count(svg, ">NaN<") == 1);
  CHECK(count(svg, "stroke-dasharray") == 2);  // the diagonal, and its place in the legend
  CHECK(contains(error_of([] { reliability_diagram({1}, {1, 2}, {1}); }), "got 1, 2 and 1"));
  CHECK(contains(error_of([] { reliability_diagram({}, {}, {}); }), "got 0, 0 and 0"));
}

TEST_CASE("heat_map: numbers and colours of every cell") {
  Tensor<double, 2> table{{0, 0.5, 1}, {0.25, std::nan(""), 0.75}};
  const std::string svg = heat_map(
      table, {.title = "t", .row_labels = {"a&", "b"}, .x_label = "x", .to = 1.0, .percent = true});
  check_well_formed(svg);
  CHECK(contains(svg, ">75<"));
  CHECK(contains(svg, ">NaN<"));
  CHECK(contains(svg, "fill=\"#00c800\""));  // a NaN is seen
  CHECK(contains(svg, "a&amp;"));
  CHECK(contains(svg, ">100 %<"));
  check_well_formed(heat_map(Tensor<float, 2>(Shape{1, 40}, -2.F), {.signed_values = true}));
  const std::string numbered = heat_map(table, {.x_label = "to", .y_label = "from"});
  check_well_formed(numbered);
  for (const char* text : {">0</text>", ">1</text>", ">2</text>", ">to</text>", ">from</text>"})
    CHECK(contains(numbered, text));
  CHECK(contains(error_of([] { heat_map(Tensor<float, 2>(), {}); }),
                 "heat_map: expected a table (R, C)"));
  CHECK(contains(error_of([&] { heat_map(table, {.row_labels = {"a"}}); }),
                 "expected 2 labels of rows, got 1"));
  CHECK(contains(error_of([&] { heat_map(table, {.column_labels = {"a"}}); }),
                 "expected 3 labels of columns, got 1"));
}
