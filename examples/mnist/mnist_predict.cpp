// SPDX-License-Identifier: MIT
//
// mnist_predict: reads the digits in pictures with a network that was trained before.
//
//   mnist_predict --weights out/model.safetensors seven.png photograph.jpg
//   convert scan.tiff png:- | mnist_predict --weights out/model.safetensors --json -
//   mnist_predict --weights out/model.safetensors --idx t10k-images-idx3-ubyte.gz --logits logits.npy
#include <cstdio>

#include "fovea/data/fit_digit.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/io/npy.hpp"
#include "fovea/viz/png.hpp"
#include "mnist/read_picture.hpp"
#include "support/course_cnn.hpp"
#include "support/options.hpp"
#include "support/program.hpp"

using namespace fovea;

namespace {

// What the network is given, and where it is from.
struct Digit {
  std::string name;
  Tensor<std::uint8_t, 2> pixels;  // (28, 28)
};

// The network, the scaling of its input, and remarks about the file they came from.
class Reader {
 public:
  explicit Reader(const PredictOptions& options) : options_(options) {
    Rng rng{0};
    auto net = course_cnn<float>(rng);
    const std::string file = options.weights.string();
    const LoadReport report = load_model(options.weights, net, {.selftest = options.selftest});
    scaling_ = report.scaling.value_or(mnist_scaling);
    if (!report.scaling)
      remark(concat(file, ": no input.mean and input.std in it, so MNIST's are taken"));
    if (options.selftest && !report.selftest)
      remark(
          concat(file, ": no self-test in it, so nothing proves that these weights are meant so"));
    predictor_.emplace(std::move(net), batch);
    scratch_.emplace(predictor_->scratch(options.threads));
  }

  /// The logits (N, 10) of images (N, 28, 28), a batch at a time.
  Tensor<float, 2> logits(View<const std::uint8_t, 3> images) {
    const Index N = images.extent(0);
    Tensor<float, 2> all(Shape{N, 10});
    Tensor<float, 4> x(Shape{batch, 1, 28, 28});
    for (Index n = 0; n < N; n += batch) {
      const Index count = std::min(batch, N - n);
      const auto part = images.sub(n, count);
      std::transform(part.begin(), part.end(), x.begin(), [&](std::uint8_t byte) {
        return static_cast<float>(scaling_.to_input(byte / 255.0));
      });
      const auto z = (*predictor_)(x.sub(0, count), *scratch_);
      for (const float logit : z)
        check(std::isfinite(logit), options_.weights.string(), ": expected finite logits, found ",
              logit);
      std::copy(z.begin(), z.end(), all.sub(n, count).begin());
    }
    return all;
  }

 private:
  static constexpr Index batch = 64;
  using Net = decltype(course_cnn<float>(std::declval<Rng&>()));

  void remark(const std::string& sentence) const {
    if (!options_.quiet && !options_.json)
      std::fprintf(stderr, "mnist_predict: %s\n", sentence.c_str());
  }

  const PredictOptions& options_;
  Scaling scaling_;
  std::optional<Predictor<Net>> predictor_;
  std::optional<Workspace<Net>> scratch_;
};

Tensor<std::uint8_t, 3> read_idx_images(const std::filesystem::path& path) {
  const std::string name = path == "-" ? "standard input" : path.string();
  return decode_idx(read_picture(path), name);
}

// Appends the digits in a file.
void read_digits(const std::filesystem::path& path, std::vector<Digit>& digits) {
  const std::string name = path == "-" ? "standard input" : path.string();
  const Bytes bytes = read_picture(path);
  if (!holds_idx(bytes)) {
    digits.push_back({path.string(), fit_digit(decode_grey(bytes, name), name)});
    return;
  }
  const auto images = decode_idx(bytes, name);  // (N, H, W)
  std::vector<Digit> found;
  for (Index n = 0; n < images.extent(0); ++n) {
    const std::string label = concat(path.string(), "[", n, "]");
    found.push_back({label, images[n].shape() == Shape(28, 28) ? Tensor<std::uint8_t, 2>(images[n])
                                                               : fit_digit(images[n], label)});
  }
  std::move(found.begin(), found.end(), std::back_inserter(digits));
}

/// The digits in order of their probabilities.
std::vector<Index> ranking(View<const float, 1> p) {
  std::vector<Index> order(10);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return p[a] > p[b]; });
  return order;
}

std::string percent(float p) { return formatted(100 * static_cast<double>(p), 1, 'f') + " %"; }

// "seven.png   7   99.2 %   (then 1: 0.7 %, 9: 0.1 %)": nobody, then, that is at less than 0.05 %.
void print_lines(const std::vector<Digit>& digits, View<const float, 2> p) {
  // Letters, of which UTF-8 has one beside its bytes that continue one.
  const auto letters = [](const std::string& name) {
    return std::count_if(name.begin(), name.end(), [](char c) { return (c & 0xC0) != 0x80; });
  };
  Index longest = 0;
  for (const Digit& digit : digits) longest = std::max(longest, letters(digit.name));
  for (Index n = 0; n < p.extent(0); ++n) {
    const auto order = ranking(p[n]);
    std::string others;
    for (std::size_t k = 1; k < 4; ++k)
      if (p(n, order[k]) >= 0.0005f)
        others +=
            concat(others.empty() ? "   (then " : ", ", order[k], ": ", percent(p(n, order[k])));
    if (!others.empty()) others += ')';
    const std::string name = one_line(digits[static_cast<std::size_t>(n)].name);
    const std::string gap(static_cast<std::size_t>(longest - letters(name)), ' ');
    std::printf("%s%s   %td   %7s%s\n", name.c_str(), gap.c_str(), order[0],
                percent(p(n, order[0])).c_str(), others.c_str());
  }
}

void print_json(const std::vector<Digit>& digits, View<const float, 2> p) {
  std::string text = "[";
  for (Index n = 0; n < p.extent(0); ++n) {
    const nlohmann::ordered_json line{
        {"file", digits[static_cast<std::size_t>(n)].name},
        {"digit", ranking(p[n])[0]},
        {"probabilities", std::vector<float>(p[n].begin(), p[n].end())}};
    // A name that is not UTF-8 is printed with question marks.
    text += concat(n > 0 ? ",\n  " : "\n  ",
                   line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  std::printf("%s\n]\n", text.c_str());
}

// Each digit enlarged, below it what the network says and the end of its file's name.
Image picture(const std::vector<Digit>& digits, View<const float, 2> p) {
  constexpr Index zoom = 5, cell = 28 * zoom, gap = 16, caption = 44, most = 100;
  const Index count = std::min(p.extent(0), most);
  Index columns = 1;
  while (columns * columns < count) ++columns;
  const Index rows = (count + columns - 1) / columns;
  Image image(rows * (cell + caption + gap) + gap, columns * (cell + gap) + gap);
  for (Index n = 0; n < count; ++n) {
    const Digit& digit = digits[static_cast<std::size_t>(n)];
    const Index top = gap + n / columns * (cell + caption + gap),
                left = gap + n % columns * (cell + gap);
    const auto grey_of = [](double byte) { return grey(byte / 255); };
    image.map(top, left, digit.pixels.view(), zoom, grey_of);
    const Index said = ranking(p[n])[0];
    image.text(top + cell + 6, left, concat(said, ": ", percent(p(n, said))));
    const std::string name = std::filesystem::path(digit.name).filename().string();
    std::size_t from = name.size();
    while (from > 0 && Image::text_width(name.substr(from - 1), 1) <= cell) --from;
    image.text(top + cell + 28, left, name.substr(from), 1);
  }
  return image;
}

// An output in the place of an input, or of the other output, would be the end of it.
void keep_apart(const PredictOptions& options) {
  const auto same = [](const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code not_there;
    return a.lexically_normal() == b.lexically_normal() ||
           std::filesystem::equivalent(a, b, not_there);
  };
  const auto refuse = [&](const char* option, const auto& output, const auto& other) {
    const auto found = what_is_at(output.string());
    if (found == "a device" || found == "a pipe") return;  // takes all that comes
    check(other.empty() || !same(output, other), option, ": expected a file of its own, found ",
          output.string(), ", which is read or written already");
  };
  const auto apart_from_inputs = [&](const char* option, const std::filesystem::path& output) {
    if (output.empty()) return;
    refuse(option, output, options.weights);
    refuse(option, output, options.idx);
    for (const auto& image : options.images) refuse(option, output, image);
  };
  apart_from_inputs("--show", options.show);
  apart_from_inputs("--logits", options.logits);
  if (!options.logits.empty()) refuse("--logits", options.logits, options.show);
  check(options.show.empty() || !options.images.empty(),
        "--show: expected pictures to draw, found none");
}

int read(const PredictOptions& options) {
  check(!options.images.empty() || !options.idx.empty(),
        "expected pictures to read, or --idx and --logits, found none (--help lists the options)");
  keep_apart(options);
  Reader reader(options);
  if (!options.idx.empty()) {
    const auto images = read_idx_images(options.idx);
    check(images.shape().with_batch(1) == Shape(1, 28, 28), options.idx.string(),
          ": expected images of 28 x 28 pixels, found ", images.shape());
    write_npy(options.logits, reader.logits(images));
  }

  int status = 0;
  std::vector<Digit> digits;
  for (const auto& path : options.images) try {
      read_digits(path, digits);
    } catch (const Error& error) {
      std::fprintf(stderr, "mnist_predict: %s\n", one_line(error.what()).c_str());
      status = bad_input_status;
    }
  if (digits.empty()) {
    if (options.json) print_json({}, {});
    return status;
  }

  Tensor<std::uint8_t, 3> given(Shape{std::ssize(digits), 28, 28});
  for (Index n = 0; n < given.extent(0); ++n) {
    const auto& pixels = digits[static_cast<std::size_t>(n)].pixels;
    std::copy(pixels.begin(), pixels.end(), given[n].begin());
  }
  const auto p = softmax(reader.logits(given));
  if (!options.show.empty()) write_png(options.show, picture(digits, p));
  options.json ? print_json(digits, p) : print_lines(digits, p);
  return status;
}

// With --json what is printed is always an array: an empty one, too, if there is an error.
int run(const PredictOptions& options) {
  try {
    return read(options);
  } catch (const std::exception&) {
    if (options.json) print_json({}, {});
    throw;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_predict_options(argc, argv);
  return run_program("mnist_predict", [&] { return run(options); });
}
