// SPDX-License-Identifier: MIT
//
// The drawing: how it comes to 28 x 28 pixels, what every layer makes of it, which images are like it.
#include <numeric>

#include "explorer/session.hpp"
#include "fovea/data/fit_digit.hpp"
#include "fovea/explain/activations.hpp"

namespace explorer {

using namespace fovea;

// (1, 1, 28, 28), scaled as the images that the network was trained on.
Session::Image Session::drawing() const {
  Image image(Shape{1, 1, 28, 28});
  const Scaling& scaling = digits_->scaling();
  std::transform(pixels_.begin(), pixels_.end(), image.begin(), [&](std::uint8_t byte) {
    return static_cast<float>(scaling.to_input(byte / 255.0, 0));
  });
  return image;
}

View<const float, 2> Session::logits_of(const Image& image) {
  return net().forward(image.view(), *looking_, Mode::eval).as<2>();
}

// `bytes`: a grey image (height, width), light strokes on black. An empty one is a black drawing, which
// is no mistake: the page begins with it. "as_it_is": (28, 28) that need no fitting.
Reply Session::draw(const Json& command, Bytes bytes) {
  const auto height = needed<Index>(command, "height"), width = needed<Index>(command, "width");
  check(1 <= height && height <= 2048 && 1 <= width && width <= 2048 &&
            static_cast<std::size_t>(height * width) == bytes.size(),
        "drawing: expected height x width bytes, at most 2048 x 2048, found ", height, " x ", width,
        " and ", bytes.size(), " bytes");
  const View<const std::uint8_t, 2> image(bytes.data(), Shape{height, width});
  const bool empty = std::none_of(bytes.begin(), bytes.end(), [](int byte) { return byte > 40; });
  if (option(command, "as_it_is", false)) {
    check(height == 28 && width == 28, "drawing: expected 28 x 28 pixels, found ", height, " x ",
          width);
    std::copy(image.begin(), image.end(), pixels_.begin());
  } else if (empty) {
    std::fill(pixels_.begin(), pixels_.end(), std::uint8_t{0});
  } else {
    pixels_ = fit_digit(image, "drawing");
  }
  Reply reply = status(command);
  reply.text["pixels"] = reply.place(pixels_);
  reply.text["empty"] = empty;
  return reply;
}

// Image "number" of the test images becomes the drawing.
Reply Session::example(const Json& command) {
  const Index n = option<Index>(command, "number", 0) % digits_->test().size();
  check(n >= 0, "example: expected a number of 0 or more, found ", n);
  digits_->need(0, n + 1);
  const auto image = digits_->test().images[n][0];
  std::copy(image.begin(), image.end(), pixels_.begin());
  Reply reply = status(command);
  reply.text["pixels"] = reply.place(pixels_);
  reply.text["label"] = class_names_.at(static_cast<std::size_t>(digits_->test().labels(n)));
  return reply;
}

// What every layer computes for the drawing.
Reply Session::maps() {
  Reply reply;
  logits_of(drawing());
  Json layers = Json::array();
  const auto& plan = looking_->plan();
  for (std::size_t k = 0; k < plan.layer_count(); ++k) {
    const auto maps = as_maps(AnyView<const float>(plan.value(k + 1)))[0];
    const auto [low, high, mean] = range_of(maps);
    const auto zeros = std::count(maps.begin(), maps.end(), 0.0f);
    layers.push_back({{"layer", plan.layer(k).path},
                      {"maps", reply.place(maps)},
                      {"min", low},
                      {"max", high},
                      {"zeros", static_cast<double>(zeros) / static_cast<double>(maps.size())}});
  }
  reply.text["layers"] = std::move(layers);
  reply.text["step"] = learner_->steps();
  return reply;
}

// The five training images that are nearest to the drawing: pixel by pixel, and in the last values
// before the logits, by the angle between them.
Reply Session::nearest() {
  constexpr Index looked_at = 1000, shown = 5, batch = 50;
  digits_->need(looked_at, 0);
  const Dataset& data = digits_->train();
  const Index count = std::min(looked_at, data.size());
  auto w = net().workspace(batch, {.keep = Keep::everything, .threads = 1});
  const std::size_t last = w.plan().layer(w.plan().layer_count() - 1).inputs.front();
  const auto features = [&](std::size_t value) {
    return AnyView<const float>(w.plan().value(value));
  };
  const Image image_here = drawing();
  net().forward(image_here.view(), w, Mode::eval);
  const Index size = features(last).extents.with_batch(1).size();
  const std::vector<float> mine(features(last).data, features(last).data + size);
  std::vector<double> by_pixels, by_features;
  Batches<float> in_order(data, batch, {.shuffle = false, .threads = 1});
  for (Index first = 0; first < count; first += batch) {
    const auto part = in_order[first / batch];
    net().forward(part.images, w, Mode::eval);
    for (Index n = 0; n < part.labels.size(); ++n) {
      const float* theirs = features(last).data + n * size;
      double product = 0, squares = 0;
      for (Index i = 0; i < size; ++i) {
        product += double(mine[std::size_t(i)]) * double(theirs[i]);
        squares += double(theirs[i]) * double(theirs[i]);
      }
      by_features.push_back(squares > 0 ? -product / std::sqrt(squares) : 0);
      double distance = 0;
      const auto image = data.images[first + n][0];
      for (Index i = 0; i < image.size(); ++i) {
        const double d = double(image.data()[i]) - double(pixels_.data()[i]);
        distance += d * d;
      }
      by_pixels.push_back(distance);
    }
  }
  Reply reply;
  const auto best = [&](const std::vector<double>& distance) {
    std::vector<Index> order(distance.size());
    std::iota(order.begin(), order.end(), Index{0});
    const auto some = std::min<std::ptrdiff_t>(shown, std::ssize(order));
    std::partial_sort(order.begin(), order.begin() + some, order.end(), [&](Index a, Index b) {
      return std::pair(distance[std::size_t(a)], a) < std::pair(distance[std::size_t(b)], b);
    });
    Json list = Json::array();
    for (std::ptrdiff_t i = 0; i < some; ++i) {
      const Index n = order[std::size_t(i)];
      list.push_back({{"number", n},
                      {"label", class_names_.at(static_cast<std::size_t>(data.labels(n)))},
                      {"image", reply.place(data.images[n][0])}});
    }
    return list;
  };
  reply.text["by_pixels"] = best(by_pixels);
  reply.text["by_features"] = best(by_features);
  reply.text["of"] = count;
  return reply;
}

}  // namespace explorer
