// SPDX-License-Identifier: MIT
//
// bench_train: images per second of whole networks, in training and in prediction, and what share
// that is of the dense roofline: what the multiply-add peak of this machine, measured in the same run,
// would allow if every multiply-add of the textbook's formulas were done. Winograd's filtering and
// sparse gradients do fewer, so more than 100 % is possible.
//
//   bench_train                       the course network and a VGG-like one, four batch sizes
//   bench_train --threads 1           with that many threads only, instead of 1 and 2
//   bench_train --data DIR            on MNIST, four unpacked IDX files, instead of synthetic digits
//   bench_train --images 256          on fewer of them than 20000
//   bench_train --ladder              a table: from seven loops to the library, rung by rung
//   bench_train --json FILE           Google Benchmark's JSON
//
// A training step is forward, cross-entropy, backward and Adam, on a new batch each time. How fast it
// is depends on how many units are alive, for a dead unit has no gradient; so the share of them is
// printed as training goes on, and the course network is timed with the weights of step 200.
#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <map>

#include "fovea/fovea.hpp"
#include "ladder/dense_gradients.hpp"
#include "ladder/im2col_conv2d.hpp"
#include "ladder/naive_conv2d.hpp"
#include "ladder/plain_linear.hpp"
#include "ladder/sparse_gradients.hpp"
#include "support/course_cnn.hpp"
#include "support/hand_over.hpp"
#include "support/peak.hpp"

using namespace fovea;

namespace {

constexpr std::uint64_t seed = 1;
constexpr Index typical_batch = 64, largest_batch = 256, settled_steps = 200;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::map<int, double> peaks;

// Measures the peak for that many seconds, or once, and keeps the best that was ever seen: on a machine
// that others use too, any one moment may be a bad one.
void look_at_peak(int threads, double enough) {
  const auto begin = Clock::now();
  do {
    peaks[threads] = std::max(peaks[threads], measured_peak<float>(threads));
  } while (seconds_since(begin) < enough);
}

// The measured multiply-add peak in GFLOP/s for this many threads.
double peak(int threads) {
  if (!peaks.contains(threads)) look_at_peak(threads, 0.5);
  return peaks[threads];
}

// In the manner of VGG (Simonyan and Zisserman, 2015): pairs of 3 x 3 convolutions, then pooling.
auto vgg_like(Rng& rng) {
  const auto conv = [&](Index in, Index out) {
    return Conv2d<float>{{.in = in, .out = out, .kernel = 3, .padding = 1}, rng};
  };
  return Sequential{Shape{3, 32, 32},
                    conv(3, 32),
                    Relu{},
                    conv(32, 32),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    conv(32, 64),
                    Relu{},
                    conv(64, 64),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Linear<float>{{.in = 4096, .out = 128}, rng},
                    Relu{},
                    Linear<float>{{.in = 128, .out = 10}, rng}};
}

Dataset random_images(Index count) {
  Dataset data{"random", Tensor<std::uint8_t, 4>(Shape{count, 3, 32, 32}),
               Tensor<Label, 1>(Shape{count}), 10, Scaling{.mean = 0.5, .std = 0.29}};
  Rng rng{seed};
  for (std::uint8_t& byte : data.images) byte = static_cast<std::uint8_t>(rng.below(256));
  for (Label& label : data.labels) label = static_cast<Label>(rng.below(10));
  return data;
}

struct Work {
  double train = 0, predict = 0;  // floating-point operations for one image
};

// Each layer's multiply-adds are done three times in training, for y, dW and dx, but nothing reads
// dx of the first layer.
template <class Net>
Work work_of(const Net& net) {
  const auto outputs = net.output_shapes(1);
  Index sum = 0, first = 0;
  const auto add = [&](const auto& layer, const auto& input) {
    if constexpr (requires { layer.multiply_adds(input); }) {
      sum += layer.multiply_adds(input);
      if (first == 0) first = sum;
    }
  };
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    const auto inputs = std::tuple_cat(std::tuple{net.input_shape().prepend(1)}, outputs);
    (add(std::get<i>(net.layers()), std::get<i>(inputs)), ...);
  }
  (std::make_index_sequence<Net::depth>{});
  return {2.0 * static_cast<double>(3 * sum - first), 2.0 * static_cast<double>(sum)};
}

// One network in training, with the batches it is fed. Every epoch has the same order here.
template <class Net>
struct Training {
  Net net;
  Workspace<Net> w;
  Adam<float> adam;
  Batches<float> feed;
  Index full;  // batches that are not cut short
  Index next = 0;

  Training(const Net& start, const Dataset& data, Index batch, WorkspaceOptions options)
      : net(start),
        w(net.workspace(batch, options)),
        adam(net),
        feed(batches(data, batch, {.seed = seed})),
        full(data.size() / batch) {}

  void step() {
    const auto [images, labels] = feed[next++ % full];
    cross_entropy(net.forward(images, w), labels, w.output_gradient());
    net.backward(w);
    adam.step(net, w);
  }
};

void count(benchmark::State& state, Index batch, double flop, int threads) {
  const double images = static_cast<double>(state.iterations() * batch);
  state.counters["images_per_second"] = benchmark::Counter(images, benchmark::Counter::kIsRate);
  state.counters["percent_of_dense_roofline"] =
      benchmark::Counter(100 * images * flop / 1e9 / peak(threads), benchmark::Counter::kIsRate);
}

template <class Net>
void train(benchmark::State& state, const Net& start, const Dataset& data, Index batch,
           int threads) {
  Training<Net> training(start, data, batch, {.threads = threads});
  training.step();  // the first step makes the scratch memory
  for (auto _ : state) training.step();
  count(state, batch, work_of(start).train, threads);
}

template <class Net>
void predict(benchmark::State& state, const Net& net, const Dataset& data, Index batch,
             int threads) {
  const Predictor predictor{net, batch};
  auto scratch = predictor.scratch(threads);
  auto feed = batches(data, batch, {.shuffle = false});
  const auto images = feed[0].images;
  predictor(images, scratch);  // the first call makes the scratch memory
  for (auto _ : state) benchmark::DoNotOptimize(predictor(images, scratch).data());
  count(state, batch, work_of(net).predict, threads);
}

template <class Net>
void register_network(const std::string& name, const Net& net, const Dataset& data,
                      const std::vector<int>& teams) {
  const auto add = [&](const std::string& what, const auto& run) {
    for (const Index batch : {Index{1}, Index{16}, typical_batch, largest_batch})
      for (const int threads : teams)
        benchmark::RegisterBenchmark(
            concat(what, "/", name, "/", batch, "/threads:", threads).c_str(),
            [&net, &data, batch, threads, run](benchmark::State& state) {
              run(state, net, data, batch, threads);
            })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
  };
  add("train", train<Net>);
  add("predict", predict<Net>);
}

// ---- the share of units alive ----

// Prints how many units are above zero after each max-pooling, in percent, over the first test images.
template <class Net>
void print_alive(const char* when, const Net& net, const Dataset& test) {
  const Index N = std::min(largest_batch, test.size());
  auto w = net.workspace(N, {.keep = Keep::everything, .threads = 1});
  auto feed = batches(test, N, {.shuffle = false});
  net.forward(feed[0].images, w, Mode::eval);
  const auto percent = [](const auto& activation) {
    const auto alive =
        std::count_if(activation.begin(), activation.end(), [](float y) { return y > 0; });
    return 100.0 * static_cast<double>(alive) / static_cast<double>(activation.size());
  };
  std::printf("units alive after pool1 %3.0f %%, after pool2 %3.0f %%: %s\n",
              percent(w.template activation<Net::index("pool1")>()),
              percent(w.template activation<Net::index("pool2")>()), when);
}

// One pass over the training images. Returns the network as it was after `settled_steps`.
template <class Net>
Net watch_units(const Net& start, const TrainAndTest& data) {
  Training<Net> training(start, data.train, typical_batch, {.threads = 1});
  print_alive("at the start", training.net, data.test);
  Net settled = start;
  for (Index step = 1; step <= training.full; ++step) {
    training.step();
    if (step == std::min(settled_steps, training.full)) settled = training.net;
    if (step == settled_steps)
      print_alive(concat("after ", step, " steps").c_str(), settled, data.test);
  }
  print_alive(concat("after ", training.full * typical_batch, " images").c_str(), training.net,
              data.test);
  return settled;
}

// ---- the ladder ----

// The course network with other layers of the same meaning in it; weights as in course_cnn.
template <template <class> class Conv, template <class> class Fc>
auto layer_by_layer() {
  Rng rng{seed};
  return Sequential{Shape{1, 28, 28},
                    Conv<float>{{.in = 1, .out = 32, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv<float>{{.in = 32, .out = 64, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Fc<float>{{.in = 3136, .out = 128}, rng},
                    Relu{},
                    Fc<float>{{.in = 128, .out = 10}, rng}};
}

template <class Gradients>
auto fused() {
  using Conv = ladder::FusedConv2d<float, Gradients>;
  Rng rng{seed};
  return Sequential{Shape{1, 28, 28},
                    Conv{{.in = 1, .out = 32, .kernel = 3, .padding = 1}, rng},
                    Conv{{.in = 32, .out = 64, .kernel = 3, .padding = 1}, rng},
                    Flatten{},
                    Linear<float>{{.in = 3136, .out = 128}, rng},
                    Relu{},
                    Linear<float>{{.in = 128, .out = 10}, rng}};
}

template <class T>
using PlainConv2d = ladder::Im2colConv2d<T, ladder::PlainProduct>;
template <class T>
using TiledConv2d = ladder::Im2colConv2d<T, ladder::TiledProduct>;

// |a - b| / |b|, Euclidean.
double relative_error(std::span<const float> a, std::span<const float> b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / size);
}

// `net`, with the parameters of another one that has the same in the same order.
template <class Net, class From>
Net with_weights_of(const From& from, Net net) {
  std::vector<std::span<const float>> values;
  from.for_each_parameter([&](const std::string&, const auto& parameter) {
    values.emplace_back(parameter.data(), static_cast<std::size_t>(parameter.size()));
  });
  std::size_t i = 0;
  net.for_each_parameter([&](const std::string&, auto& parameter) {
    std::copy(values[i].begin(), values[i].end(), parameter.data());
    ++i;
  });
  return net;
}

// A table that grows by a row for every rung. All rungs begin with the same weights and see the same
// batches, and none is timed before it has shown that it computes what the library computes.
template <class Net>
class Ladder {
 public:
  Ladder(const Net& start, const Dataset& data) : start_(start), data_(data) {
    Training<Net> library(start, data, check_batch, {.keep = Keep::everything, .threads = 1});
    expected_ = results(library);
    std::puts(
        "\n| rung | training the course network, batches of 64 | threads | images/s | "
        "to the rung before | of the dense roofline |\n|--:|---|--:|--:|--:|--:|");
  }

  // Times steps of a network until `enough` seconds are over; prints their median as the next row.
  template <class Other>
  void rung(const std::string& what, const Other& other, WorkspaceOptions options,
            Index batch = typical_batch, double enough = 2) {
    const Other net = with_weights_of(start_, other);
    {
      Training<Other> probe(net, data_, check_batch, options);
      const Results found = results(probe);
      check_agrees(what, "logits", found.logits, expected_.logits);
      check_agrees(what, "gradient of the first convolution", found.gradient, expected_.gradient);
    }
    look_at_peak(options.threads, 0.0);
    Training<Other> training(net, data_, batch, options);
    if (enough > 0) training.step();  // the first step makes the scratch memory
    std::vector<double> seconds;
    double total = 0;
    do {
      const auto begin = Clock::now();
      training.step();
      seconds.push_back(seconds_since(begin));
      total += seconds.back();
    } while (total < enough);
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    const double rate = static_cast<double>(batch) / *middle;
    const double roof = peak(options.threads) * 1e9 / work_of(start_).train;
    std::printf("| %d | %s | %d | %.*f | ", ++number_, what.c_str(), options.threads,
                rate < 100 ? 1 : 0, rate);
    if (before_ > 0) std::printf("%.2f x", rate / before_);
    std::printf(" | %.1f %% |\n", 100 * rate / roof);
    std::fflush(stdout);
    before_ = rate;
  }

 private:
  static constexpr Index check_batch = 8;
  static constexpr double tolerance = 1e-4;

  struct Results {
    std::vector<float> logits, gradient;
  };

  // What a network says to the first batch, and the gradient that arrives at its first weights.
  template <class Other>
  static Results results(Training<Other>& training) {
    const auto [images, labels] = training.feed[0];
    const auto logits = training.net.forward(images, training.w);
    cross_entropy(logits, labels, training.w.output_gradient());
    training.net.backward(training.w);
    const auto& gradient = training.w.template layer<0>().dweight;
    return {{logits.begin(), logits.end()}, {gradient.begin(), gradient.end()}};
  }

  static void check_agrees(const std::string& what, const char* which, std::span<const float> found,
                           std::span<const float> expected) {
    const double error = relative_error(found, expected);
    check(error <= tolerance, "ladder: ", what, ": expected the ", which, " of the library within ",
          tolerance, ", found a relative error of ", error);
  }

  const Net& start_;
  const Dataset& data_;
  Results expected_;
  int number_ = 0;
  double before_ = 0;
};

template <class Net>
void climb(const Net& start, const Dataset& data, int threads) {
  using ladder::DenseGradients, ladder::NaiveConv2d, ladder::PlainLinear, ladder::SparseGradients;
  const WorkspaceOptions all{.keep = Keep::everything, .threads = 1}, needed{.threads = 1};
  Ladder<Net> ladder(start, data);
  // Of the first rung one step on a few images must do.
  ladder.rung("seven nested loops (one step, 8 images)", layer_by_layer<NaiveConv2d, PlainLinear>(),
              all, 8, 0);
  ladder.rung("im2col and a product of three loops", layer_by_layer<PlainConv2d, PlainLinear>(),
              all);
  ladder.rung("im2col and a tiled product", layer_by_layer<TiledConv2d, Linear>(), all);
  ladder.rung("convolution on the padded image, no columns", start, all);
  ladder.rung("convolution, ReLU and pooling as one", fused<DenseGradients<float>>(), needed);
  ladder.rung("sparse gradients", fused<SparseGradients<float>>(), needed);
  ladder.rung("Winograd forward: the library", start, needed);
  if (threads > 1)
    ladder.rung(concat("the same on ", threads, " threads"), start, {.threads = threads});
  const double flop = work_of(start).train;
  std::printf(
      "\nA step is %.1f MFLOP an image, so the dense roofline is %.0f images/s on 1 thread.\n",
      flop / 1e6, peak(1) * 1e9 / flop);
}

TrainAndTest load(const std::string& directory, Index images) {
  if (directory.empty()) return synthetic_train_and_test(images, largest_batch);
  TrainAndTest data = load_mnist(directory);
  check(data.train.images.shape().with_batch(1) == Shape<4>(1, 1, 28, 28), directory,
        ": expected images of 28 x 28 pixels, found ", data.train.images.shape());
  check(data.train.size() >= largest_batch, directory, ": expected ", largest_batch,
        " training images or more, found ", data.train.size());
  data.train = data.train.part(0, std::min(images, data.train.size()));
  return data;
}

int run(int argc, char** argv) {
  std::string directory, json;
  int threads = 0;
  Index images = 20000;
  bool climbing = false;
  CLI::App app("Times training and prediction of whole networks.", "bench_train");
  app.add_option("--data", directory,
                 "directory with MNIST's four IDX files, unpacked [default: synthetic digits]")
      ->type_name("DIR");
  const auto* const given =
      app.add_option("--threads", threads, "0: OMP_NUM_THREADS, or all [default: 1 and then 2]")
          ->check(CLI::Range(0, 1024));
  app.add_option("--images", images, "train on that many")
      ->check(CLI::Range(largest_batch, Index{60000}))
      ->capture_default_str();
  auto* const file = app.add_option("--json", json, "write Google Benchmark's JSON to this file");
  app.add_flag("--ladder", climbing, "print a table from seven loops to the library")
      ->excludes(file);
  app.allow_extras();  // --benchmark_... are Google Benchmark's own
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fail(error.what());
  }
  if (!json.empty())
    write_file(json, "");  // a path that is wrong is refused before anything is timed
  std::vector<int> teams{resolve_threads(1)};
  if (given->count() > 0)
    teams = {resolve_threads(threads)};
  else if (resolve_threads(2) == 2)
    teams.push_back(2);

  hand_over(argv[0], app.remaining(), json);

  const TrainAndTest data = load(directory, images);
  std::printf("%s, measured multiply-add peak (float)", std::string(build_info().isa).c_str());
  for (const int team : teams) {
    std::printf("%s %.0f GFLOP/s on %d %s", team == teams.front() ? ":" : ",", peak(team), team,
                team == 1 ? "thread" : "threads");
    benchmark::AddCustomContext(concat("peak_gflops_threads_", team), concat(peak(team)));
  }
  std::printf("\n%s, %td images\n", data.train.name.c_str(), data.train.size());
  benchmark::AddCustomContext("data", data.train.name);

  Rng rng{seed};
  const auto course = watch_units(course_cnn<float>(rng), data);
  if (climbing) {
    climb(course, data.train, teams.back());
    return 0;
  }
  const auto vgg = vgg_like(rng);
  const Dataset noise = random_images(2 * largest_batch);
  register_network("course", course, data.train, teams);
  register_network("vgg", vgg, noise, teams);
  run_benchmarks();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_train: %s\n", error.what());
    return 2;
  }
}
