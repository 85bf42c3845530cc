// SPDX-License-Identifier: MIT
//
// MNIST (LeCun, Cortes, Burges) and Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 60 000 images of
// 28 x 28 pixels to train on and 10 000 to test with, ten classes, in four IDX files:
//
//   train-images-idx3-ubyte   train-labels-idx1-ubyte   t10k-images-idx3-ubyte
//                             t10k-labels-idx1-ubyte
//
// Some mirrors write a dot for the second-last dash (train-images.idx3-ubyte); both are found, with
// or without .gz.
#pragma once

#include <array>
#include <string>

#include "fovea/data/dataset.hpp"
#include "fovea/data/idx.hpp"

namespace fovea::inline FOVEA_ABI {

/// Mean and standard deviation of the training pixels in [0, 1].
inline constexpr Scaling mnist_scaling{.mean = 0.1307, .std = 0.3081};
/// The same of Fashion-MNIST.
inline constexpr Scaling fashion_mnist_scaling{.mean = 0.2860, .std = 0.3530};

/// The names of its classes, by label.
inline constexpr std::array<std::string_view, 10> fashion_mnist_classes{
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"};

namespace detail {

// The one of the spellings that is there. `part` is "train-images", `ending` "idx3-ubyte".
[[gnu::cold]] inline std::string find_idx(std::string_view directory, std::string_view part,
                                          std::string_view ending) {
  const auto start = concat(directory, directory.ends_with('/') ? "" : "/", part);
  for (const char* const gz : {"", ".gz"})
    for (const char* const joint : {"-", "."}) {
      auto path = concat(start, joint, ending, gz);
      const auto found = what_is_at(path);
      if (found != "nothing" && found != "a directory") return path;
    }
  fail(start, "-", ending, ": expected this file (or .idx, or .gz), found none of them");
}

[[gnu::cold]] inline Dataset load_part(std::string_view directory, std::string_view part,
                                       FileReader reader) {
  Dataset data;
  const auto images = find_idx(directory, concat(part, "-images"), "idx3-ubyte");
  data.name = find_idx(directory, concat(part, "-labels"), "idx1-ubyte");  // for errors of validate
  Index extents[3];                                                        // (N, H, W)
  Bytes file = reader(images, idx_limit);
  const auto pixels = idx_numbers(file, images, extents);
  const auto [N, H, W] = extents;
  data.images =
      Tensor<std::uint8_t, 4>(View<const std::uint8_t, 4>(pixels.data(), Shape{N, Index{1}, H, W}));
  file = reader(data.name, idx_limit);
  const auto bytes = idx_numbers(file, data.name, std::span(extents).first(1));
  data.labels = Tensor<Label, 1>(Shape{extents[0]});
  std::copy(bytes.begin(), bytes.end(), data.labels.begin());
  check(data.size() > 0 && !data.images.empty(), images,
        ": expected at least one image, found none");
  data.validate();
  return data;
}

}  // namespace detail

/// Both parts of a data set in MNIST's format, from one directory.
[[gnu::cold]] inline TrainAndTest load_mnist(const std::string& directory,
                                             FileReader reader = read_file,
                                             std::string name = "mnist",
                                             Scaling scaling = mnist_scaling) {
  const auto found = what_is_at(directory);
  check(found == "a directory", directory, ": expected a directory with the four IDX files, found ",
        found);
  TrainAndTest data{detail::load_part(directory, "train", reader),
                    detail::load_part(directory, "t10k", reader)};
  check(data.train.images.shape().with_batch(1) == data.test.images.shape().with_batch(1),
        directory, ": expected training and test images of one size, found ",
        data.train.images.shape(), " and ", data.test.images.shape());
  for (Dataset* part : {&data.train, &data.test}) {
    part->name = name;
    part->scaling = scaling;
  }
  return data;
}

/// The same files with clothing instead of digits; see load_mnist().
inline TrainAndTest load_fashion_mnist(const std::string& directory,
                                       FileReader reader = read_file) {
  return load_mnist(directory, reader, "fashion", fashion_mnist_scaling);
}

}  // namespace fovea::inline FOVEA_ABI
