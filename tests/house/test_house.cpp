// SPDX-License-Identifier: MIT
//
// The house rules that a compiler does not check: floors, doors, words that must not appear.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "support.hpp"

using namespace test;
namespace fs = std::filesystem;

namespace {

const fs::path include = fs::path(FOVEA_SOURCE_DIR) / "include";

std::map<std::string, std::string> headers() {
  std::map<std::string, std::string> texts;
  for (const auto& entry : fs::recursive_directory_iterator(include))
    if (entry.path().extension() == ".hpp") {
      std::ifstream file(entry.path());
      texts[fs::relative(entry.path(), include / "fovea").string()] =
          std::string(std::istreambuf_iterator<char>(file), {});
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

std::string floor_of(const std::string& header) {
  return contains(header, "/") ? header.substr(0, header.find('/')) : "book";
}

}  // namespace

TEST_CASE("floors: an include points downwards, or stays on its floor") {
  // The floors that each one may stand on, besides itself.
  const std::map<std::string, std::set<std::string>> below{
      {"core", {"book"}},  // version.hpp
      {"kernels", {"core"}},
      {"nn", {"core", "kernels"}},
      {"model", {"core", "kernels", "nn"}},
      {"train", {"core", "nn", "model"}},
      {"data", {"core", "nn"}},  // Label
      {"io", {"core"}},
      {"viz", {"core"}},
      {"book", {"core", "kernels", "nn", "model", "train", "data"}},
  };
  int arrows = 0;
  for (const auto& [header, text] : headers())
    for (const auto& target : included(text, "#include \"fovea/")) {
      CAPTURE(header);
      CAPTURE(target);
      const std::string from = floor_of(header), to = floor_of(target);
      REQUIRE(below.contains(from));
      CHECK((from == to || below.at(from).contains(to)));
      CHECK(fs::exists(include / "fovea" / target));
      if (from == "nn") {  // no layer includes a layer
        const std::set<std::string> shared{"nn/layer.hpp", "nn/init.hpp"};
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
                                                 {"<zlib.h>", "io/gzip.hpp"}};
  const auto all = headers();
  for (const auto& [words, door] : doors) {
    CHECK(contains(all.at(door), words));
    for (const auto& [header, text] : all) {
      CAPTURE(header);
      if (header != door) CHECK(!contains(text, words));
    }
  }
}

TEST_CASE("habits: licence, include guard, namespace, nothing printed, nothing seeded") {
  const std::set<std::string> macros_only{"version.hpp", "core/abi.hpp", "fovea.hpp"};
  for (const auto& [header, text] : headers()) {
    CAPTURE(header);
    CHECK(text.starts_with("// SPDX-License-Identifier: MIT\n"));
    CHECK(contains(text, "\n#pragma once\n"));
    if (!macros_only.contains(header)) CHECK(contains(text, "namespace fovea::inline FOVEA_ABI"));
    for (const char* word :
         {"using namespace", "<iostream>", "std::cout", "printf(\"", "rand()", "exit(", "NDEBUG\n",
          "std::random_device", "omp_set_num_threads", "reduction(", "pragma omp atomic"}) {
      CAPTURE(word);
      CHECK(!contains(text, word));
    }
    for (const auto& macro : included(text, "#define "))
      CHECK(
          (macro.starts_with("FOVEA_") || (header == "viz/png.hpp" && macro.starts_with("STB_"))));
  }
}

TEST_CASE("pages: a page of nn/ stays near 150 lines") {
  for (const auto& [header, text] : headers()) {
    CAPTURE(header);
    if (floor_of(header) == "nn") CHECK(std::count(text.begin(), text.end(), '\n') <= 185);
  }
}

TEST_CASE("the book lists every header that needs Eigen alone") {
  const auto all = headers();
  const auto listed = included(all.at("fovea.hpp"), "#include \"fovea/");
  for (const auto& [header, text] : all) {
    CAPTURE(header);
    const std::string floor = floor_of(header);
    if (floor != "io" && floor != "viz" && floor != "book")
      CHECK(std::count(listed.begin(), listed.end(), header) == 1);
  }
}
