// SPDX-License-Identifier: MIT
//
// The house rules that a compiler does not check: floors, doors, words that must not appear.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

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

std::string floor_of(const std::string& header) {
  if (header.starts_with("nn/reference/")) return "nn/reference";
  return contains(header, "/") ? header.substr(0, header.find('/')) : "book";
}

}  // namespace

TEST_CASE("floors: an include points downwards, or stays on its floor") {
  // The floors that each one may stand on, besides itself.
  const std::map<std::string, std::set<std::string>> below{
      {"core", {"book"}},  // version.hpp
      {"kernels", {"core"}},
      {"nn", {"core", "kernels"}},
      {"nn/reference", {"core", "kernels"}},  // not on the layers that are measured against it
      {"engine", {"core", "kernels", "nn"}},
      {"fused", {"core", "kernels", "nn", "engine"}},
      {"model", {"core", "kernels", "nn", "engine", "fused"}},
      {"data", {"core", "nn"}},  // Label
      {"train", {"core", "nn", "model", "data"}},
      {"io", {"core", "nn", "model", "train", "data"}},
      {"viz", {"core"}},
      {"explain", {"core", "nn", "model", "train", "data"}},
      {"book", {"core", "kernels", "nn", "engine", "fused", "model", "train", "data"}},
  };
  int arrows = 0;
  for (const auto& h : headers())
    for (const auto& target : included(h.text, "#include \"fovea/")) {
      CAPTURE(h.header);
      CAPTURE(target);
      const std::string from = floor_of(h.header), to = floor_of(target);
      REQUIRE(below.contains(from));
      CHECK((from == to || below.at(from).contains(to)));
      CHECK(fs::exists(include / "fovea" / target));
      if (from == "nn" && h.header != "nn/residual.hpp") {  // no layer includes a layer
        const std::set<std::string> shared{
            "nn/context.hpp",   "nn/layer.hpp", "nn/init.hpp",        "nn/shapes.hpp",
            "nn/composite.hpp", "nn/chain.hpp", "nn/layer_check.hpp", "nn/specification.hpp"};
        CHECK((to != "nn" || shared.contains(target)));
      }
      ++arrows;
    }
  CHECK(arrows > 50);
}

TEST_CASE("doors: each third party has one") {
  const std::map<std::string, std::string> doors{{"<Eigen/", "core/eigen.hpp"},
                                                 {"<omp.h>", "core/parallel.hpp"},
                                                 {"#  pragma omp", "core/parallel.hpp"},
                                                 {"<stb_image_write.h>", "viz/png.hpp"},
                                                 {"<zlib.h>", "io/gzip.hpp"},
                                                 {"<nlohmann/", "io/json.hpp"},
                                                 {"<sys/file.h>", "io/durable_file.hpp"}};
  const auto all = headers();
  for (const auto& [words, door] : doors) {
    CHECK(contains(text_of(door), words));
    for (const auto& h : all) {
      CAPTURE(h.header);
      if (h.header != door) CHECK(!contains(h.text, words));
    }
  }
}

TEST_CASE("habits: licence, include guard, namespace, nothing printed, nothing seeded") {
  const std::set<std::string> macros_only{"version.hpp", "core/abi.hpp", "fovea.hpp",
                                          "viz/charts.hpp"};
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
  constexpr Index page = 160, header = 300, book = 12000;  // lines
  const std::set<std::string> machinery{"nn/composite.hpp", "nn/layer_check.hpp"};
  Index in_book = 0;
  for (const auto& h : headers()) {
    CAPTURE(h.header);
    const Index lines = std::count(h.text.begin(), h.text.end(), '\n');
    CHECK(lines <= (floor_of(h.header) == "nn" && !machinery.contains(h.header) ? page : header));
    for (const char* floor : {"core", "kernels", "nn", "engine", "fused", "model", "train", "data"})
      if (floor_of(h.header) == floor) in_book += lines;
  }
  CHECK(in_book > book / 2);
  CHECK(in_book <= book);
  std::ifstream file(fs::path(FOVEA_SOURCE_DIR) / "README.md");
  const std::string readme(std::istreambuf_iterator<char>(file), {});
  CHECK(contains(readme,
                 concat("a page of `nn/` at most ", page, " lines, any header at most ", header,
                        ", and all that `fovea.hpp` includes at most ", detail::grouped(book))));
}

TEST_CASE("the book lists every header that needs the standard library alone") {
  const auto all = headers();
  const auto listed = included(text_of("fovea.hpp"), "#include \"fovea/");
  for (const auto& h : all) {
    CAPTURE(h.header);
    const std::string floor = floor_of(h.header);
    if (floor == "nn/reference") CHECK(std::count(listed.begin(), listed.end(), h.header) == 0);
    if (floor != "io" && floor != "viz" && floor != "explain" && floor != "book" &&
        floor != "nn/reference" && h.header != "core/eigen.hpp")
      CHECK(std::count(listed.begin(), listed.end(), h.header) == 1);
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
