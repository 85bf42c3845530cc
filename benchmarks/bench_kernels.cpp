// SPDX-License-Identifier: MIT
//
// bench_kernels: GFLOP/s of every kernel, and what share that is of the multiply-add peak measured in
// the same run.
//
//   bench_kernels                                     the standard shapes
//   bench_kernels --gemm 512,512,512 --threads 1      any product (M,N,K), any number of them
//   bench_kernels --conv 64,32,14,14,64,3,3,1,1,1,1   N,C,H,W,O,KH,KW,stride,pad,dilation,groups
//   bench_kernels --json FILE                         Google Benchmark's JSON
#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>

#include "fovea/fovea.hpp"
#include "support/hand_over.hpp"
#include "support/peak.hpp"

using namespace fovea;

namespace {

int threads = 0;
double peak = 0;

template <std::size_t R>
Tensor<float, R> random_tensor(Shape<R> shape, std::uint64_t seed) {
  Tensor<float, R> x(shape);
  Rng rng{seed};
  fill_uniform(x.flat(), 1.0, rng);
  return x;
}

// Counters: work per iteration in GFLOP/s and as a share of the peak.
void count(benchmark::State& state, double flop) {
  const auto total = flop * static_cast<double>(state.iterations()) / 1e9;
  state.counters["GFLOPS"] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  state.counters["percent_of_peak"] =
      benchmark::Counter(100 * total / peak, benchmark::Counter::kIsRate);
}

void gemm(benchmark::State& state, std::vector<Index> shape) {
  const Index m = shape[0], n = shape[1], k = shape[2];
  const auto a = random_tensor(Shape{m, k}, 1), b = random_tensor(Shape{k, n}, 2);
  Tensor<float, 2> c(Shape{m, n});
  const kernels::Matrix<const float> A(a.data(), m, k), B(b.data(), k, n);
  const kernels::Matrix<float> C(c.data(), m, n);
  for (auto _ : state) {
    kernels::gemm<float>(A, B, C, false, threads);
    benchmark::ClobberMemory();
  }
  count(state, 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k));
}

struct ConvBenchmark {
  Conv2d<float> conv;
  Tensor<float, 4> x, y, dy, dx;
  Conv2d<float>::Pass pass;
  double flop;

  explicit ConvBenchmark(const std::vector<Index>& s)
      : conv([&] {
          Rng rng{1};
          return Conv2d<float>({.in = s[1],
                                .out = s[4],
                                .kernel = {s[5], s[6]},
                                .stride = s[7],
                                .padding = s[8],
                                .dilation = s[9],
                                .groups = s[10]},
                               rng);
        }()),
        x(random_tensor(Shape{s[0], s[1], s[2], s[3]}, 1)),
        y(conv.output_shape(x.shape())),
        dy(random_tensor(y.shape(), 2)),
        dx(x.shape()),
        pass(conv.pass(x.shape(), {.threads = threads})),
        flop(2.0 * static_cast<double>(conv.multiply_adds(x.shape()))) {}

  Index N() const { return x.extent(0); }
  Index groups() const { return conv.options.groups; }

  // From NCHW to NCHW.
  void forward() {
    pass.kernel.forward(x, conv.weight.data(), conv.bias.data(), y, pass.scratch, threads);
  }
  void parameter_gradients() {
    pass.kernel.parameter_gradients(x, dy, pass.dweight, pass.dbias, x.extent(0), pass.scratch,
                                    threads);
  }
  void input_gradient() {
    pass.kernel.input_gradient(dy, conv.weight.data(), dx, pass.scratch, threads);
  }

  // From the kernel's own layouts: images and gradients padded beforehand, weights permuted. Where
  // Winograd's transformation takes the place of padding there is no such layout.
  void prepare() {
    if (images.size() > 0) return;
    const auto& layout = forward_steps().image();
    images = Tensor<float, 2>(Shape{groups() * N(), layout.size()});
    gradients = Tensor<float, 2>(Shape{groups() * N() + 1, outputs() * dw_steps().flat()});
    padded = Tensor<float, 2>(Shape{groups() * N(), dx_steps().gradient_size()});
    sums = Tensor<float, 2>(
        Shape{threads, std::max(forward_steps().sums_size(), dx_steps().sums_size()) + 16});
    parts = Tensor<float, 2>(Shape{N(), conv.weight.size()});
    permuted = Tensor<float, 1>(Shape{conv.weight.size()});
    dx_steps().permute_weights(conv.weight.data(), permuted.data());
    const Index pixels = x.extent(1) / groups() * x.extent(2) * x.extent(3);
    for (Index g = 0; g < groups(); ++g)
      for (Index n = 0; n < N(); ++n) {
        layout.pad(x.data() + (n * groups() + g) * pixels, images[g * N() + n].data());
        dx_steps().pad_gradient(dy, n, g, padded[g * N() + n].data());
        for (Index o = 0; o < outputs(); ++o)
          dw_steps().spread_gradient(dy, n, g * outputs() + o,
                                     gradients[g * N() + n].data() + o * dw_steps().flat());
      }
  }
  void forward_padded() {
    if (pass.kernel.by_winograd()) return forward();
    parallel_for(threads, N(), [&](Index n, int thread) {
      for (Index g = 0; g < groups(); ++g) {
        const Index first = g * outputs();
        forward_steps().run_image(
            images[g * N() + n].data(), conv.weight.data() + first * conv.weight[0].size(),
            conv.bias.data() + first, outputs(), y[n][first].data(), sums[thread].data());
      }
    });
  }
  void parameter_gradients_padded() {
    const kernels::BatchChunks chunks(N());
    parallel_for(threads, chunks.count, [&](Index part, int) {
      const Index first = chunks.begin(part), last = chunks.begin(part + 1);
      parts[part].fill(0);
      for (Index g = 0; g < groups(); ++g)
        for (Index n = first; n < last; n += dw_steps().images_at_once())
          dw_steps().add_products(std::min(dw_steps().images_at_once(), last - n),
                                  images[g * N() + n].data(), gradients[g * N() + n].data(),
                                  parts[part].data() + g * outputs() * conv.weight[0].size());
    });
    kernels::sum_chunks(threads, parts.data(), chunks.count, conv.weight.size(),
                        pass.dweight.data(), conv.weight.size());
  }
  void input_gradient_padded() {
    if (pass.kernel.by_winograd()) return input_gradient();
    const Index channels = x.extent(1) / groups();
    parallel_for(threads, N(), [&](Index n, int thread) {
      for (Index g = 0; g < groups(); ++g)
        dx_steps().run_image(padded[g * N() + n].data(), permuted.data(), g * channels, channels,
                             dx[n][g * channels].data(), sums[thread].data());
    });
  }

 private:
  Index outputs() const { return conv.options.out / groups(); }
  const kernels::ForwardSweep<float>& forward_steps() const { return pass.kernel.forward_steps(); }
  const kernels::InputGradient<float>& dx_steps() const {
    return pass.kernel.input_gradient_steps();
  }
  const kernels::WeightGradient<float>& dw_steps() const {
    return pass.kernel.weight_gradient_steps();
  }

  Tensor<float, 2> images, gradients, padded, sums, parts;
  Tensor<float, 1> permuted;
};

// Times `run` on padded images, and tells beside it what it does from NCHW to NCHW.
void convolution(benchmark::State& state, const std::vector<Index>& shape,
                 const std::function<void(ConvBenchmark&)>& run,
                 const std::function<void(ConvBenchmark&)>& whole) {
  ConvBenchmark b(shape);
  b.prepare();
  for (auto _ : state) {
    run(b);
    benchmark::ClobberMemory();
  }
  count(state, b.flop);
  std::vector<double> seconds;
  for (int i = 0; i < 9; ++i) {
    const auto start = std::chrono::steady_clock::now();
    whole(b);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + 4, seconds.end());
  state.counters["GFLOPS_nchw"] = b.flop / seconds[4] / 1e9;
}

void max_pool(benchmark::State& state) {
  Sequential net{Shape{32, 28, 28}, MaxPool2d{{.kernel = 2}}};
  const auto x = random_tensor(Shape{64, 32, 28, 28}, 1);
  auto w = net.workspace(64, {.input_gradient = true, .threads = threads});
  for (auto _ : state) {
    net.forward(x, w);
    net.backward(w);
  }
  state.SetBytesProcessed(state.iterations() * x.size() * static_cast<Index>(sizeof(float)) * 2);
}

void adam_step(benchmark::State& state) {
  Rng rng{1};
  Sequential net{Shape{3136}, Linear<float>{{.in = 3136, .out = 128}, rng}};
  auto w = net.workspace(1, {.threads = threads});
  Adam adam{net};
  for (auto _ : state) adam.step(net, w);
  state.SetBytesProcessed(state.iterations() * net.parameter_count() *
                          static_cast<Index>(sizeof(float)) * 7);
}

std::vector<Index> numbers(const std::string& text, std::size_t expected) {
  std::vector<Index> result;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    check(!part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == part.npos,
          "expected ", expected, " numbers with commas, got ", text);
    result.push_back(std::stol(part));
  }
  check(result.size() == expected, "expected ", expected, " numbers with commas, got ", text);
  return result;
}

const std::vector<std::string> standard_gemms{
    "64,64,64",    "128,128,128", "256,256,256", "512,512,512", "1024,1024,1024",
    "64,128,3136", "128,3136,64", "64,3136,128", "32,196,9",    "64,196,288"};
const std::vector<std::string> standard_convs{
    "64,1,28,28,32,3,3,1,1,1,1",  "64,32,14,14,64,3,3,1,1,1,1",   "64,6,14,14,16,5,5,1,0,1,1",
    "32,64,32,32,64,3,3,1,1,1,1", "32,128,16,16,128,3,3,1,1,1,1", "32,256,8,8,256,3,3,1,1,1,1",
    "8,3,224,224,64,7,7,2,3,1,1", "8,128,56,56,128,3,3,2,1,1,1",  "8,256,56,56,64,1,1,1,0,1,1",
    "8,96,56,56,96,3,3,1,1,1,96", "16,64,27,31,48,3,3,1,1,1,1",   "4,64,64,64,64,3,3,1,2,2,1"};

int run(int argc, char** argv) {
  std::vector<std::string> convs, gemms;
  std::string json;
  CLI::App app("Times the kernels.", "bench_kernels");
  app.add_option("--conv", convs, "N,C,H,W,O,KH,KW,stride,pad,dilation,groups (repeatable)")
      ->delimiter('\0');
  app.add_option("--gemm", gemms, "M,N,K (repeatable)")->delimiter('\0');
  app.add_option("--threads", threads, "0: OMP_NUM_THREADS, or all")->check(CLI::Range(0, 1024));
  app.add_option("--json", json, "write Google Benchmark's JSON to this file");
  app.allow_extras();  // --benchmark_... are Google Benchmark's own
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fail(error.what());
  }
  threads = resolve_threads(threads);
  if (convs.empty() && gemms.empty()) convs = standard_convs, gemms = standard_gemms;

  for (const std::string& text : gemms) {
    const auto extents = numbers(text, 3);
    check(std::count(extents.begin(), extents.end(), 0) == 0,
          "expected extents of at least 1, got ", text);
    benchmark::RegisterBenchmark(("gemm/" + text).c_str(), gemm, extents)->UseRealTime();
  }
  for (const std::string& text : convs) {
    const auto shape = numbers(text, 11);
    ConvBenchmark probe(shape);  // a shape that is wrong is refused before anything is timed
    using Run = std::function<void(ConvBenchmark&)>;
    const auto add = [&](const std::string& what, const Run& run, const Run& whole) {
      benchmark::RegisterBenchmark(("conv/" + what + "/" + text).c_str(), convolution, shape, run,
                                   whole)
          ->UseRealTime();
    };
    add("fwd", &ConvBenchmark::forward_padded, &ConvBenchmark::forward);
    add("dw", &ConvBenchmark::parameter_gradients_padded, &ConvBenchmark::parameter_gradients);
    add("dx", &ConvBenchmark::input_gradient_padded, &ConvBenchmark::input_gradient);
  }
  benchmark::RegisterBenchmark("pool/fwd+bwd/64,32,28,28", max_pool)->UseRealTime();
  benchmark::RegisterBenchmark("adam/401536", adam_step)->UseRealTime();

  peak = measured_peak<float>(threads);
  std::printf("%s, %d threads, measured multiply-add peak %.0f GFLOP/s (float)\n",
              std::string(build_info().isa).c_str(), threads, peak);
  benchmark::AddCustomContext("peak_gflops", concat(peak));
  benchmark::AddCustomContext("threads", concat(threads));

  hand_over(argv[0], app.remaining(), json);
  run_benchmarks();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_kernels: %s\n", error.what());
    return 2;
  }
}
