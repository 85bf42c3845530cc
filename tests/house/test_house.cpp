// SPDX-License-Identifier: MIT
//
// The rules of the code base that a compiler does not check: layering, include points, words, width.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "support.hpp"

using namespace test;
namespace fs = std::filesystem;

namespace {

const fs::path include = fs::path(FOVEA_SOURCE_DIR) / "include";

// clang 14 cannot capture a structured binding, which doctest's CAPTURE does: hence a struct.
struct Header {
  std::string header, text;
};

std::vector<Header> headers() {
  std::vector<Header> texts;
  for (const auto& entry : fs::recursive_directory_iterator(include))
    if (entry.path().extension() == ".hpp") {
      std::ifstream file(entry.path());
      texts.push_back({fs::relative(entry.path(), include / "fovea").string(),
                       std::string(std::istreambuf_iterator<char>(file), {})});
    }
  return texts;
}

std::vector<std::string> included(const std::string& text, const std::string& start) {
  std::vector<std::string> names;
  for (std::size_t at = text.find(start); at != text.npos; at = text.find(start, at + 1)) {
    const std::size_t from = at + start.size();
    names.push_back(text.substr(from, text.find_first_of("\">", from) - from));
  }
  return names;
}

std::string text_of(const std::string& name) {
  for (const Header& h : headers())
    if (h.header == name) return h.text;
  FAIL("there is no header " << name);
  return "";
}

std::string layer_of(const std::string& header) {
  if (header.starts_with("nn/reference/")) return "nn/reference";
  return contains(header, "/") ? header.substr(0, header.find('/')) : "book";
}

}  // namespace

TEST_CASE("layering: an include points downwards, or stays in its directory") {
  // The directories that each one may include, besides itself.
  const std::map<std::string, std::set<std::string>> below{
      {"core", {"book"}},  // version.hpp
      {"kernels", {"core"}},
      {"nn", {"core", "kernels"}},
      {"nn/reference", {"core", "kernels"}},  // not on the layers that are measured against it
      {"engine", {"core", "kernels", "nn"}},
      {"fused", {"core", "kernels", "nn", "engine"}},
      {"model", {"core", "kernels", "nn", "engine", "fused"}},
      {"data", {"core", "kernels", "nn"}},  // Label
      {"train", {"core", "kernels", "nn", "model", "data"}},
      {"io", {"core", "nn", "model", "train", "data"}},
      {"viz", {"core"}},
      {"mpi", {"core", "kernels", "nn", "engine", "model"}},
      {"images", {"core", "data", "nn", "io"}},  // Label; zlib by its include point
      {"explain", {"core", "nn", "model", "train", "data"}},
      {"book", {"core", "kernels", "nn", "engine", "fused", "model", "train", "data"}},
  };
  int arrows = 0;
  for (const auto& h : headers())
    for (const auto& target : included(h.text, "#include \"fovea/")) {
      CAPTURE(h.header);
      CAPTURE(target);
      const std::string from = layer_of(h.header), to = layer_of(target);
      REQUIRE(below.contains(from));
      CHECK((from == to || below.at(from).contains(to)));
      CHECK(fs::exists(include / "fovea" / target));
      if (from == "nn" && h.header != "nn/residual.hpp") {  // no layer includes a layer
        const std::set<std::string> shared{
            "nn/context.hpp",   "nn/layer.hpp",        "nn/init.hpp",        "nn/shapes.hpp",
            "nn/composite.hpp", "nn/chain.hpp",        "nn/layer_check.hpp", "nn/specification.hpp",
            "nn/softmax.hpp",   "nn/cross_entropy.hpp"};  // these two: for losses
        CHECK((to != "nn" || shared.contains(target)));
      }
      ++arrows;
    }
  CHECK(arrows > 50);
}

TEST_CASE("third parties: each has a single include point") {
  const std::map<std::string, std::string> points{
      {"<Eigen/", "core/eigen.hpp"},          {"<omp.h>", "core/parallel.hpp"},
      {"#  pragma omp", "core/parallel.hpp"}, {"<stb_image_write.h>", "viz/png.hpp"},
      {"<png.h>", "images/decode_png.hpp"},   {"<jpeglib.h>", "images/decode_jpeg.hpp"},
      {"<mpi.h>", "mpi/ranks.hpp"},           {"<zlib.h>", "io/gzip.hpp"},
      {"<nlohmann/", "io/json.hpp"},          {"<sys/file.h>", "core/descriptor.hpp"}};
  const auto all = headers();
  for (const auto& [words, point] : points) {
    CHECK(contains(text_of(point), words));
    for (const auto& h : all) {
      CAPTURE(h.header);
      if (h.header != point) CHECK(!contains(h.text, words));
    }
  }
}

TEST_CASE("habits: licence, include guard, namespace, nothing printed, nothing seeded") {
  const std::set<std::string> macros_only{"version.hpp", "core/abi.hpp", "fovea.hpp"};
  for (const auto& h : headers()) {
    CAPTURE(h.header);
    CHECK(h.text.starts_with("// SPDX-License-Identifier: MIT\n"));
    CHECK(contains(h.text, "\n#pragma once\n"));
    if (!macros_only.contains(h.header))
      CHECK(contains(h.text, "namespace fovea::inline FOVEA_ABI"));
    for (const char* word :
         {"using namespace", "<iostream>", "std::cout", "printf(\"", "rand()", "exit(", "NDEBUG\n",
          "std::random_device", "omp_set_num_threads", "reduction(", "pragma omp atomic"}) {
      CAPTURE(word);
      CHECK(!contains(h.text, word));
    }
    for (const auto& macro : included(h.text, "#define "))
      CHECK((macro.starts_with("FOVEA_") ||
             (h.header == "viz/png.hpp" && macro.starts_with("STB_"))));
  }
}

namespace {

// What is wrong with the words and the width of a header's text, one line for each.
std::vector<std::string> style_errors(const std::string& text, bool words, bool width) {
  static const std::regex forbidden(
      "\\b(nobody|somebody|anybody|who|whoever|way back|stands?|stood|behind|meets?|asks? for|"
      "asked for|twins?|strangers?|doors?|wings?|house|planted|turned|piece_of|pieces?|slots?|"
      "list_entries|grey_|columns_|at_once_)(?![a-z0-9_])",
      std::regex::icase);
  std::vector<std::string> errors;
  std::string all;  // comments that are broken in the middle of two words are one text
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (width && line.size() > 100) errors.push_back("more than 100 columns: " + line);
    all += std::regex_replace(line, std::regex("^\\s*///?\\s*"), " ");
  }
  for (std::sregex_iterator at(all.begin(), all.end(), forbidden), end; words && at != end; ++at)
    errors.push_back(
        "the word '" + at->str() + "' in: " +
        all.substr(static_cast<std::size_t>(std::max<std::ptrdiff_t>(at->position() - 30, 0)), 80));
  return errors;
}

}  // namespace

TEST_CASE("style: plain words, one vocabulary, 100 columns (CONTRIBUTING.md)") {
  CHECK(style_errors("// An offset in memory.\n", true, true).empty());
  CHECK(style_errors("// dx, which nobody\n", true, true).size() == 1);
  CHECK(style_errors("// dx on the way\n  /// back\n", true, true).size() == 1);
  CHECK(style_errors("int " + std::string(97, 'x') + "\n", true, true).size() == 1);
  // explain/ keeps the voice of the book.
  for (const auto& h : headers())
    for (const std::string& error : style_errors(h.text, layer_of(h.header) != "explain", true))
      FAIL_CHECK(h.header << ": " << error);
  // Charts and the report are programs' own; a style sheet has lines of its own.
  for (const char* const part : {"charts", "report"})
    for (const auto& entry :
         fs::directory_iterator(fs::path(FOVEA_SOURCE_DIR) / "examples" / part)) {
      if (entry.path().extension() != ".hpp") continue;
      std::ifstream file(entry.path());
      const std::string name = entry.path().filename().string();
      for (const std::string& error :
           style_errors(std::string(std::istreambuf_iterator<char>(file), {}), true,
                        name != "report_style.hpp"))
        FAIL_CHECK(name << ": " << error);
    }
}

TEST_CASE(
    "the glossary names every public class of engine/, model/ and train/ and explains it once") {
  std::ifstream file(fs::path(FOVEA_SOURCE_DIR) / "docs/architecture.md");
  std::string glossary(std::istreambuf_iterator<char>(file), {});
  glossary = glossary.substr(glossary.find("## Glossary"));
  glossary = glossary.substr(0, glossary.find("\n## "));
  const std::regex classes("\n(?:class|struct) (\\w+)(?: final)?[ ;{]");
  std::set<std::string> names;
  for (const auto& h : headers()) {
    const std::string layer = layer_of(h.header);
    if (layer != "engine" && layer != "model" && layer != "train") continue;
    std::string text = h.text;  // less what is in namespace detail
    for (std::size_t at; (at = text.find("detail {")) != text.npos;) {
      const std::size_t end = text.find("}  // namespace", at);
      text.erase(at, end - at);
    }
    for (std::sregex_iterator at(text.begin(), text.end(), classes), end; at != end; ++at)
      names.insert((*at)[1].str());
  }
  CHECK(names.size() > 20);
  for (const std::string& name : names) {
    CAPTURE(name);
    const std::size_t at = glossary.find("`" + name + "`");
    CHECK(at != glossary.npos);
    CHECK(glossary.find("`" + name + "`", at + 1) == glossary.npos);
  }
}

TEST_CASE("numbers: no call whose text depends on the locale") {
  // A number's text comes from `formatted` and concat, and is read by from_chars or parse_json. Programs may
  // print numbers, as none of them sets a locale.
  const std::regex printed(
      R"re("[^"]*%[-+#0-9.*']*[lL]?[aAeEfFgG])re");  // of a floating-point number
  const std::regex calls(
      "\\b(strto[dfl]+|sto(d|f|ld)|atof|sscanf|fscanf|setlocale|imbue|put_money|std::locale|is("
      "digit|alpha|"
      "alnum|space|upper|lower|print|punct)|to(upper|lower))\\s*\\(");
  CHECK(std::regex_search("snprintf(text, n, \"%.3f\", x)", printed));
  CHECK(!std::regex_search("snprintf(text, n, \"#%02x%02x, 5 % for\", x)", printed));
  CHECK(std::regex_search("x = std::strtod(a, b)", calls));
  int files = 0;
  for (const char* const part : {"include", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(FOVEA_SOURCE_DIR) / part)) {
      if (entry.path().extension() != ".hpp" && entry.path().extension() != ".cpp") continue;
      std::ifstream file(entry.path());
      const std::string name = entry.path().filename().string();
      const bool header = part == std::string_view("include");
      for (std::string line; std::getline(file, line);) {
        CAPTURE(name);
        CAPTURE(line);
        line = line.substr(0, line.find("//"));
        CHECK(!std::regex_search(line, calls));
        if (header && name != "check.hpp") CHECK(!std::regex_search(line, printed));
        if (!header) CHECK((!contains(line, "snprintf") || !std::regex_search(line, printed)));
        if (header) CHECK(!contains(line, "stringstream"));
      }
      ++files;
    }
  CHECK(files > 100);
}

TEST_CASE("pages: the budget that the README states is kept") {
  constexpr Index page = 205, header = 300, book = 16100;  // lines
  const std::set<std::string> machinery{"nn/composite.hpp", "nn/layer_check.hpp"};
  Index in_book = 0;
  for (const auto& h : headers()) {
    CAPTURE(h.header);
    const Index lines = std::count(h.text.begin(), h.text.end(), '\n');
    CHECK(lines <= (layer_of(h.header) == "nn" && !machinery.contains(h.header) ? page : header));
    if (contains(text_of("fovea.hpp"), "#include \"fovea/" + h.header + "\"")) in_book += lines;
  }
  CHECK(in_book > book / 2);
  CHECK(in_book <= book);
  std::ifstream file(fs::path(FOVEA_SOURCE_DIR) / "README.md");
  const std::string readme(std::istreambuf_iterator<char>(file), {});
  CHECK(contains(readme,
                 concat("a page of `nn/` at most ", page, " lines, any header at most ", header,
                        ", and all that `fovea.hpp` includes at most ", detail::grouped(book))));
}

TEST_CASE("the book lists every header that needs the standard library alone, but for some") {
  // What most networks do without is included by itself.
  const std::set<std::string> by_itself{"nn/conv_transpose2d.hpp", "nn/group_norm.hpp",
                                        "nn/losses.hpp",           "nn/pad2d.hpp",
                                        "nn/upsample.hpp",         "train/averages.hpp",
                                        "train/gradients.hpp",     "train/lion.hpp",
                                        "train/muon.hpp",          "train/rate_test.hpp",
                                        "train/rmsprop.hpp",       "train/stopping.hpp",
                                        "data/cifar.hpp",          "data/mixup.hpp",
                                        "data/fit_digit.hpp",      "fused/conv_pool.hpp"};
  const auto all = headers();
  const auto listed = included(text_of("fovea.hpp"), "#include \"fovea/");
  for (const auto& h : all) {
    CAPTURE(h.header);
    const std::string directory = layer_of(h.header);
    if (directory == "nn/reference") CHECK(std::count(listed.begin(), listed.end(), h.header) == 0);
    if (directory != "io" && directory != "viz" && directory != "images" && directory != "mpi" &&
        directory != "explain" && directory != "book" && directory != "nn/reference" &&
        h.header != "core/eigen.hpp")
      CHECK(std::count(listed.begin(), listed.end(), h.header) ==
            (by_itself.contains(h.header) ? 0 : 1));
  }
}

TEST_CASE("the version of the headers is that of the citation and of the newest changes") {
  const auto read = [](const char* name) {
    std::ifstream file(fs::path(FOVEA_SOURCE_DIR) / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string version(build_info().version);
  CHECK(contains(read("CITATION.cff"), "\nversion: " + version + "\n"));
  const std::string changes = read("CHANGELOG.md");
  CHECK(changes.substr(changes.find("\n## ")).starts_with("\n## " + version));
}
