// SPDX-License-Identifier: MIT
//
// Numbers are written and read the same in every locale: with a decimal comma, with a point of two bytes, with
// groups of digits. The locales are made here, by localedef of Debian's package `locales`; without it the
// test says so.
#include <clocale>
#include <cstdlib>
#include <locale>

#include "charts/charts.hpp"
#include "fovea/io/checkpoint.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/io/npy.hpp"
#include "support.hpp"

using namespace test;

namespace locales {

// Everything that turns numbers into text, or back.
std::string all_texts(const std::filesystem::path& directory) {
  std::string text = concat(0.5f, " ", -1234.5678, " ", 1e-7, " ", 1e300, " ", 1234567, " ",
                            std::size_t{12345678}, " ", Shape{1234567, 2});
  for (const char style : {'f', 'e', 'g'}) text += concat(" ", formatted(-98765.4321, 3, style));
  text += to_string(Tensor<double, 2>{{0.25, 1e6}, {-1.5, 1234567.5}});
  Rng rng{1};
  Sequential net{Shape{1, 6, 6}, Conv2d<float>{{.in = 1, .out = 2, .kernel = 3}, rng}, Relu{},
                 Flatten{}, Linear<float>{{.in = 32, .out = 1000}, rng}};
  text += summary(net);
  text += error_of([] { fail("expected ", 0.001, ", found ", 1234.5f); });

  text += charts::line_chart({{.name = "a", .x = {0, 0.5, 1000.5}, .y = {0.125, 1e-3, 2345.75}}},
                             {.title = "t", .x = {.label = "x"}, .y = {.label = "y"}});
  text += charts::heat_map(Tensor<double, 2>{{0.1, 2000.5}, {-3.25, 4}}, {.title = "t"});

  const auto npy = encode_npy(Tensor<float, 2>(Shape{1234, 5}));
  text.append(npy.begin(), npy.begin() + 128);
  CHECK(parse_npy<float, 2>(npy, "npy").shape() == Shape{1234, 5});

  const std::vector<double> numbers{0.1, -1234567.25, 1e-300, 0, 12345678};
  const std::string json = detail::numbers_to_json(numbers);
  CHECK(detail::numbers_from_json(json, "json") == numbers);
  const auto path = (directory / "model").string();
  save_model(path, net, {.mean = 0.1307, .std = 1234.5}, {{"a", "b"}});
  const Bytes bytes = read_file(path);
  text += json + std::string(bytes.begin(), bytes.end());
  auto other = net;
  const LoadReport loaded = load_model(path, other);
  CHECK((loaded.scaling->mean == 0.1307 && loaded.scaling->std == 1234.5));
  CHECK((loaded.selftest && *loaded.selftest < 1e-6));
  // A number with a point where none is expected must not end the program.
  CHECK(contains(error_of([&] {
                   const std::string header = R"({"a":{"dtype":"F32","shape":[1.5]}})";
                   std::string file(1, static_cast<char>(header.size()));
                   file += std::string(7, '\0') + header;
                   parse_safetensors(
                       std::span(reinterpret_cast<const std::uint8_t*>(file.data()), file.size()),
                       "f");
                 }),
                 "f: expected"));

  Adam adam{net};
  auto w = net.workspace(1, {.seed = 1});
  const CheckpointFile checkpoint(directory / "run");
  TrainingState at{.loss_sum = 1234.0625};
  checkpoint.save(net, adam, w, at);
  at.loss_sum = 0;
  CHECK(checkpoint.load(net, adam, w, at));
  CHECK(at.loss_sum == 1234.0625);
  const Bytes saved = read_file(checkpoint.path());
  return text.append(saved.begin(), saved.end());
}

}  // namespace locales

TEST_CASE("locales: the same texts in all of them") {
  const TemporaryDirectory directory;
  const std::string plain = locales::all_texts(directory.path());
  CHECK(contains(plain, "0.5 -1234.57 1e-07 1e+300 1234567 12345678 (1234567, 2)"));
  CHECK(contains(plain, " -98765.432 -9.877e+04 -9.88e+04"));
  REQUIRE(::setenv("LOCPATH", directory.path().c_str(), 1) == 0);
  for (const std::string name : {"de_DE", "fr_FR", "ps_AF", "de_CH", "hi_IN", "tr_TR"}) {
    CAPTURE(name);
    const std::string made = (directory.path() / (name + ".UTF-8")).string();
    if (std::system(
            concat("localedef -c -f UTF-8 -i ", name, " '", made, "' > /dev/null 2>&1").c_str()) !=
        0) {
      MESSAGE("not tried, for want of localedef and its sources (Debian: locales)");
      break;
    }
    for (const bool of_streams : {false, true}) {
      CAPTURE(of_streams);
      if (of_streams)
        std::locale::global(std::locale((name + ".UTF-8").c_str()));
      else
        REQUIRE(std::setlocale(LC_ALL, (name + ".UTF-8").c_str()) != nullptr);
      const std::string point = std::localeconv()->decimal_point;
      CHECK(point == (name == "ps_AF" ? "\u066b" : name == "de_CH" || name == "hi_IN" ? "." : ","));
      const std::string here = locales::all_texts(directory.path());
      CHECK_UNARY(here == plain);                        // shows no texts of 100 kB
      CHECK(std::localeconv()->decimal_point == point);  // and the program's locale is what it was
      std::locale::global(std::locale::classic());
      std::setlocale(LC_ALL, "C");
    }
  }
  ::unsetenv("LOCPATH");
}
