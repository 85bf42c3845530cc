// SPDX-License-Identifier: MIT
//
// mnist_explain: trains the network of the course report by three recipes, looks into it, and writes what
// it sees as one page, report.html, with every picture and every number also as a file.
//
//   mnist_explain --image 7 --class 9 --out out
//   mnist_explain --weights model.safetensors        # the first network was trained elsewhere
#include <cstdio>

#include "fovea/explain/attacks.hpp"
#include "fovea/explain/receptive_field.hpp"
#include "report/chapters/study.hpp"
#include "support/find_data.hpp"

using namespace fovea;

namespace {

// How long each part took.
class Parts {
 public:
  explicit Parts(bool quiet) : quiet_(quiet) {}

  template <class F>
  void operator()(const std::string& name, F&& part) {
    stop_if_interrupted();
    const auto start = std::chrono::steady_clock::now();
    part();
    stop_if_interrupted();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    times_.emplace_back(name, seconds);
    if (!quiet_) std::printf("%-28s %6.1f s\n", name.c_str(), seconds);
    std::fflush(stdout);
  }
  const auto& times() const { return times_; }

 private:
  bool quiet_;
  std::vector<std::pair<std::string, double>> times_;
};

// Says what is wrong with the wishes before anything takes time.
void check_wishes(const ExplainOptions& o, const TrainAndTest& data, const Net& net) {
  const Dataset& test = data.test;
  check(data.train.size() > 0 && test.size() > 0, data.train.name,
        ": expected images to train on and to test with, found ", data.train.size(), " and ",
        test.size());
  check(data.train.images.shape().with_batch(1) == Shape<4>(1, 1, 28, 28), data.train.name,
        ": expected images of 28 x 28 pixels, found ", data.train.images.shape());
  check(0 <= o.image && o.image < test.size(),
        "--image: expected the number of a test image in [0, ", test.size(), "), got ", o.image);
  check(-1 <= o.target && o.target < test.classes, "--class: expected a class in [0, ",
        test.classes, "), or -1 for the image's own, got ", o.target);
  check(!of_layer(receptive_fields(net), o.layer).whole,
        "--layer: expected a layer with rows and columns, got ", o.layer);
}

Trained train_here(const Study& s, const std::string& name) {
  const ExplainOptions& o = s.options;
  Recipe recipe{.name = name,
                .epochs = o.epochs,
                .batch_size = o.batch_size,
                .learning_rate = o.learning_rate,
                .schedule = o.schedule,
                .seed = o.seed,
                .threads = o.threads,
                .quiet = o.quiet};
  std::string change = "unchanged";
  Net net = s.untrained;
  const auto trained = [&](const auto&... hook) -> Trained {
    auto training = train(net, s.data.train, s.data.test, recipe, hook...);
    const Accuracy accuracy = training.confusion.accuracy();
    return {name, std::move(net), Here{recipe, change, std::move(training)}, accuracy};
  };
  if (name == "adversarial") {  // the recipe of "Fast is better than free"
    change = "FGSM, epsilon 0.3";
    recipe.epochs = std::max(1, o.epochs - 1), recipe.batch_size = 128;
    recipe.learning_rate = 1e-2, recipe.schedule = "one-cycle";
    AttackOptions options = fast_fgsm(0.3);
    options.seed = o.seed, options.threads = o.threads;
    Attack<Net> attack{net, recipe.batch_size, s.data.train.scaling, options};
    return trained([&](const Net& n, auto images, auto labels, Index first) {
      return attack(n, images, labels, first);
    });
  }
  if (name == "augmented")
    change = "shift, turn, noise", recipe.augment = {.shift = 3, .rotate = 30, .noise = 0.2};
  return trained();
}

int run(const ExplainOptions& options) {
  Rng rng{options.seed};
  Net untrained = course_cnn<float>(rng);
  std::optional<Trained> loaded;
  if (!options.weights.empty()) loaded = load_elsewhere(options, untrained);
  std::filesystem::path found;
  auto data = find_data(options.data, options.dataset, found);
  check_wishes(options, data, untrained);
  prepare_directory(options.out);
  if (options.limit > 0 && options.limit < data.train.size())
    data.train = data.train.part(0, options.limit);
  const Elsewhere* const elsewhere = loaded ? std::get_if<Elsewhere>(&loaded->origin) : nullptr;
  if (elsewhere && elsewhere->report.scaling)
    data.train.scaling = data.test.scaling = *elsewhere->report.scaling;

  const auto start = std::chrono::steady_clock::now();
  const auto info = build_info();
  const Label label = data.test.labels(options.image);
  const std::string title = data.test.name == "mnist" ? "What the network sees"
                                                      : "What the network sees: " + data.test.name;
  Study s{.options = options,
          .data = std::move(data),
          .sample = {},
          .untrained = std::move(untrained),
          .networks = {},
          .image = {},
          .pixels = {},
          .label = label,
          .target = options.target < 0 ? label : options.target,
          .page = {options.out, title,
                   concat("A small convolutional network, ",
                          elsewhere ? concat("trained elsewhere (", elsewhere->file, ") and ") : "",
                          "looked at from the inside: its filters, what each unit sees, where it "
                          "looks, and when it breaks.")}};
  s.sample = s.data.test.part(
      0, options.full ? s.data.test.size() : std::min<Index>(1000, s.data.test.size()));
  auto in_order = batches(s.data.test, 1, {.shuffle = false});
  s.image = Tensor<float, 4>(in_order[options.image].images);
  s.pixels = map(s.data.test.images[options.image][0],
                 [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
  const int threads = resolve_threads(options.threads);
  const std::string made = concat("fovea ", info.version, ", ", info.compiler, ", ", info.isa, ", ",
                                  counted(threads, "thread"));
  if (!options.quiet)
    std::printf("%s\n%s from %s: %td images to train on, %td to test with\n\n", made.c_str(),
                s.data.train.name.c_str(), found.c_str(), s.data.train.size(), s.data.test.size());
  if (elsewhere && !options.quiet) std::printf("%s\n\n", elsewhere->says(s.data.test).c_str());
  s.page.numbers["run"] = {{"version", info.version},
                           {"isa", info.isa},
                           {"threads", threads},
                           {"dataset", s.data.train.name},
                           {"training_images", s.data.train.size()},
                           {"test_images", s.data.test.size()},
                           {"judged_images", s.sample.size()},
                           {"seed", options.seed}};

  Parts part(options.quiet);
  if (loaded)
    part("measuring accuracy", [&] {
      const Dataset& test = s.data.test;
      loaded->accuracy = evaluate(loaded->net, test, {.threads = options.threads}).accuracy();
      s.networks.push_back(std::move(*loaded));
    });
  for (const char* name : {"plain", "augmented", "adversarial"})
    if (!loaded || name != std::string_view("plain"))
      part(concat("training, ", name), [&] { s.networks.push_back(train_here(s, name)); });
  part("measuring corruptions", [&] { measure_corruptions(s); });
  part("measuring attacks", [&] { measure_attacks(s); });
  part("problem, architecture", [&] { write_problem(s); });
  part("3.1 filters", [&] { write_filters(s); });
  part("3.2 receptive fields", [&] { write_fields(s); });
  part("3.3 hierarchy", [&] { write_hierarchy(s); });
  part("attribution", [&] { write_attribution(s); });
  part("prototypes, ablation", [&] { write_prototypes(s); });
  part("mistakes", [&] { write_mistakes(s); });
  part("robustness, drawn", [&] {
    write_robustness(s);
    write_examples(s);
  });
  part("key findings", [&] {
    write_findings(s);
    write_table(s);
  });

  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const auto& [name, time] : part.times()) s.page.numbers["seconds"][name] = time;
  s.page.numbers["seconds"]["all"] = seconds;
  s.page.footer(concat("Written by mnist_explain in ", fixed(seconds, 0), " seconds: ", made,
                       ", seed ", options.seed, ", ", s.data.train.name, ", ",
                       detail::grouped(s.data.train.size()), " training images",
                       s.elsewhere() ? " for the networks trained here" : "",
                       ". Every number is in explain.json."));
  s.page.write();
  std::printf(
      "%stest accuracy %.2f %%; report.html, explain.json and the pictures are in %s (%.0f s)\n",
      options.quiet ? "" : "\n", s.networks[0].accuracy.percent(), options.out.c_str(), seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_explain_options(argc, argv);
  catch_interrupt();
  return run_program("mnist_explain", [&] { return run(options); });
}
