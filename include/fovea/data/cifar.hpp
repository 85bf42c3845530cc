// SPDX-License-Identifier: MIT
//
// CIFAR-10 and CIFAR-100 (Krizhevsky, Learning multiple layers of features from tiny images, 2009):
// 50 000 colour images of 32 x 32 pixels to train on, 10 000 to test with, in the binary version:
//
//   CIFAR-10     data_batch_1.bin ... data_batch_5.bin, test_batch.bin
//                a record: the class, then 1024 bytes of red, of green and of blue, row by row
//   CIFAR-100    train.bin, test.bin
//                a record: the coarse class (20), the fine class (100), then the pixels
//
// Files are found with or without .gz; read_file_or_gzip, in io/gzip.hpp, unpacks them.
#pragma once

#include <array>
#include <string>

#include "fovea/data/dataset.hpp"
#include "fovea/data/idx.hpp"

namespace fovea::inline FOVEA_ABI {

/// Mean and standard deviation of the training pixels of CIFAR-10, in [0, 1]: red, green, blue.
inline constexpr Scaling cifar10_scaling{.mean = {0.49140, 0.48216, 0.44653},
                                         .std = {0.24703, 0.24349, 0.26159}};
/// The same of CIFAR-100.
inline constexpr Scaling cifar100_scaling{.mean = {0.50707, 0.48655, 0.44092},
                                          .std = {0.26733, 0.25644, 0.27615}};

/// The names of the classes of CIFAR-10, by label.
inline constexpr std::array<std::string_view, 10> cifar10_classes{
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

/// Which of its two labels an image of CIFAR-100 has here.
enum class Cifar100Label { fine, coarse };

namespace detail {

// Appends the records of a file: `labels` bytes, of which number `label` counts, then the pixels.
[[gnu::cold]] inline void add_cifar_file(const std::string& path, FileReader reader, Index labels,
                                         Index label, Index first, Dataset& data) {
  constexpr Index pixels = 3 * 32 * 32;
  const std::string found = what_is_at(path) == "nothing" ? path + ".gz" : path;
  check(what_is_at(found) == "a file", path, ": expected this file, or ", path, ".gz, found ",
        what_is_at(found));
  const Bytes bytes = reader(found, std::size_t{1} << 29);
  const Index record = labels + pixels, expected = data.images.extent(0) - first;
  const auto size = static_cast<Index>(bytes.size());
  check(size < 2 || !(bytes[0] == 0x1f && bytes[1] == 0x8b), found,
        ": expected a file of records, found a gzip archive; read it with read_file_or_gzip ",
        "(fovea/io/gzip.hpp, target fovea::io) or unpack it");
  const Index count = std::min<Index>(expected, labels == 1 ? 10000 : expected);
  check(size == count * record, found, ": expected ", count, " records of ", record, " bytes, ",
        count * record, " in all, found ", size, " bytes");
  for (Index n = 0; n < count; ++n) {
    const std::uint8_t* const from = bytes.data() + n * record;
    data.labels(first + n) = from[label];
    std::copy_n(from + labels, pixels, data.images[first + n].data());
    check(data.labels(first + n) < data.classes, found, ": expected labels in [0, ", data.classes,
          "), found ", data.labels(first + n), " in record ", n);
  }
}

[[gnu::cold]] inline Dataset empty_cifar(std::string name, Index count, Index classes,
                                         const Scaling& scaling) {
  return {std::move(name), Tensor<std::uint8_t, 4>(Shape{count, Index{3}, Index{32}, Index{32}}),
          Tensor<Label, 1>(Shape{count}), classes, scaling};
}

}  // namespace detail

/// CIFAR-10 from the directory of its six files. Throws on a file that is missing, has another
/// length, or a label outside [0, 10).
[[gnu::cold]] inline TrainAndTest load_cifar10(const std::string& directory,
                                               FileReader reader = read_file) {
  const auto path = [&](const std::string& file) { return concat(directory, "/", file, ".bin"); };
  TrainAndTest data{detail::empty_cifar("cifar10", 50000, 10, cifar10_scaling),
                    detail::empty_cifar("cifar10", 10000, 10, cifar10_scaling)};
  for (Index part = 0; part < 5; ++part)
    detail::add_cifar_file(path(concat("data_batch_", part + 1)), reader, 1, 0, 10000 * part,
                           data.train);
  detail::add_cifar_file(path("test_batch"), reader, 1, 0, 0, data.test);
  return data;
}

/// CIFAR-100 from the directory of its two files, with the 100 fine classes or the 20 coarse ones.
[[gnu::cold]] inline TrainAndTest load_cifar100(const std::string& directory,
                                                FileReader reader = read_file,
                                                Cifar100Label label = Cifar100Label::fine) {
  const bool fine = label == Cifar100Label::fine;
  const Index classes = fine ? 100 : 20;
  TrainAndTest data{detail::empty_cifar("cifar100", 50000, classes, cifar100_scaling),
                    detail::empty_cifar("cifar100", 10000, classes, cifar100_scaling)};
  detail::add_cifar_file(concat(directory, "/train.bin"), reader, 2, fine, 0, data.train);
  detail::add_cifar_file(concat(directory, "/test.bin"), reader, 2, fine, 0, data.test);
  return data;
}

}  // namespace fovea::inline FOVEA_ABI
