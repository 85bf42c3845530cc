// SPDX-License-Identifier: MIT
//
// A network that was trained elsewhere: read from a file of weights, and what that says of itself.
#include "report/chapters/study.hpp"

using namespace fovea;

namespace {

// A text from outside, short and valid UTF-8, as a page and JSON need it.
std::string presentable(std::string_view text) {
  using nlohmann::json;
  const json clean(printable(text));
  return json::parse(clean.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string formula(const Scaling& scaling) {
  return concat("(p - ", scaling.mean, ") / ", scaling.std);
}

}  // namespace

Trained load_elsewhere(const ExplainOptions& options, const Net& fresh) {
  const std::string path = options.weights.string();
  Net net = fresh;
  auto report = load_model(options.weights, net, {.selftest = options.selftest});
  net.for_each_parameter([&](const std::string& name, const auto& parameter) {
    for (const float v : parameter)
      check(std::isfinite(v), path, ": ", name, ": expected finite numbers, found ", v);
  });
  const std::string file = presentable(options.weights.filename().string());
  return {"loaded", std::move(net), Elsewhere{file, std::move(report)}, {}};
}

std::string Elsewhere::says(const Dataset& data) const {
  const Metadata& metadata = report.metadata;
  const bool has_selftest =
      metadata.contains("selftest.input") && metadata.contains("selftest.logits");
  return concat(
      file, " holds ",
      report.selftest ? "a self-test, which came out right here"
      : has_selftest  ? "a self-test, which was not tried (--no-selftest)"
                      : "no self-test, so nothing proves that it is read as it was meant",
      ". A pixel p in [0, 1] is shown to all networks as ", formula(data.scaling),
      report.scaling
          ? ", as the file says."
          : concat(", the scaling of ", data.name,
                   ", for the file does not say how its input is scaled; if it was trained with "
                   "another, it does worse here than it could."));
}

void write_elsewhere(Study& s) {
  const Elsewhere& e = *s.elsewhere();
  s.page.paragraph(concat("The loaded network was trained elsewhere and came in ", e.file,
                          "; how it was trained, this page knows only as far as the file says so. ",
                          e.says(s.data.test)));
  auto& json = s.page.numbers["networks"][s.name()];
  json = {{"trained", "elsewhere"}, {"file", e.file}, {"selftest_error", nullptr}};
  if (e.report.selftest) json["selftest_error"] = *e.report.selftest;
  json["input_scaling"] = {{"mean", s.data.test.scaling.mean[0]},
                           {"std", s.data.test.scaling.std[0]},
                           {"said_by", e.report.scaling ? "file" : "data set"}};
  json["metadata"] = nlohmann::ordered_json::object();
  constexpr std::size_t most = 30;
  std::vector<Page::Row> rows;
  for (const auto& [key, value] : e.report.metadata) {
    if (key.starts_with("selftest.") || key == "architecture") continue;  // checked, and long
    json["metadata"][key] = value;
    if (rows.size() < most) rows.push_back({presentable(key), presentable(value)});
  }
  if (e.report.metadata.contains("architecture"))
    rows.push_back({"architecture", "that of the table above"});
  if (!rows.empty())
    s.page.table(concat("What ", e.file, " says of itself."), {"key", "value"}, rows);
}
