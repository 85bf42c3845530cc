// SPDX-License-Identifier: MIT
//
// One picture from a file, at the size that a network wants. Link fovea::images.
//
//   const auto x = load_image("cat.jpg", {.height = 224, .width = 224});  // (3, 224, 224)
//
// Only files are opened: a pipe or a device, which may have no end or no beginning, is an error.
#pragma once

#include <new>

#include "fovea/images/decode_image.hpp"
#include "fovea/images/resize.hpp"

namespace fovea::inline FOVEA_ABI {

/// How pictures are read.
struct ImageOptions {
  Index height = 0, width = 0;   ///< of the result; both 0: as the picture is, for load_image alone
  Resize resize = Resize::crop;  ///< how the picture gets that size
  Index channels = 3;            ///< 3: red, green, blue; 1: grey
  bool strict = false;           ///< of load_image_folder: a bad file is an Error
  Background background = Background::light;        ///< under what is transparent
  std::int64_t most_pixels = 400'000'000;           ///< a picture's, compared before it is decoded
  std::size_t most_bytes = std::size_t{256} << 20;  ///< a file's
  std::size_t most_total_bytes = std::size_t{16} << 30;  ///< those of all images of a folder
  int threads = 0;  ///< that decode the files of a folder; 0: all

  /// Throws unless the extents are both 0 or both in [1, 8192], and channels 1 or 3.
  void validate() const {
    constexpr Index most = 8192;
    check(
        (height == 0 && width == 0) || (0 < height && height <= most && 0 < width && width <= most),
        "image options: expected a height and a width in [1, ", most, "], got ", height, " x ",
        width);
    check(channels == 1 || channels == 3, "image options: expected 1 or 3 channels, got ",
          channels);
  }
};

namespace detail {

// A file's content. What is no file is not even opened, for that may wait, or do something.
[[gnu::cold]] inline Bytes read_regular_file(const std::string& path, std::string_view name,
                                             std::size_t most_bytes) {
  struct ::stat status;
  const auto look = [&](int result) {
    const auto why = result == 0 ? std::error_code() : last_error();
    check(why.value() != ENOENT && why.value() != ENOTDIR, name,
          ": expected a file, found nothing");
    check(!why, name, ": cannot be opened (", why.message(), ")");
  };
  const auto expect_file = [&] {
    check(S_ISREG(status.st_mode), name, ": expected a file, found ", kind_of(status.st_mode));
  };
  look(::stat(path.c_str(), &status));
  expect_file();
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  look(file.get() < 0 ? -1 : ::fstat(file.get(), &status));
  expect_file();
  const auto size = static_cast<std::uint64_t>(status.st_size);
  check(size <= most_bytes, name, ": expected at most ", most_bytes, " bytes, found ", size);
  Bytes bytes = make_bytes(static_cast<std::size_t>(size), name);
  const auto found = file.read(bytes);
  check(found >= 0, name, ": cannot be read (", last_error().message(), ")");
  check(static_cast<std::uint64_t>(found) == size, name, ": cannot be read to its end");
  return bytes;
}

[[gnu::cold]] inline Tensor<std::uint8_t, 3> load_image(const std::string& path,
                                                        std::string_view name,
                                                        const ImageOptions& options) {
  const bool resized = options.height > 0;
  DecodeOptions decoding{.channels = options.channels,
                         .background = options.background,
                         .most_pixels = options.most_pixels,
                         .most_bytes = options.most_bytes};
  // What is made larger than it was decoded should not have been averaged.
  decoding.most_area = std::max(decoding.most_area, 4 * options.height * options.width);
  try {
    auto image = decode_image(read_regular_file(path, name, options.most_bytes), name, decoding);
    if (!resized) return image;
    return resize_image(image.view(), options.height, options.width, options.resize);
  } catch (const std::bad_alloc&) {
    fail(name, ": does not fit into memory");
  }
}

}  // namespace detail

/// The picture (channels, height, width) in a PNG or JPEG file, or an Error that says what is wrong
/// with it. Of more than 2048 x 2048 pixels, or four times those wanted, averages over boxes are
/// decoded (DecodeOptions::most_area); without a height and a width these are the result.
[[gnu::cold]] inline Tensor<std::uint8_t, 3> load_image(const std::string& path,
                                                        const ImageOptions& options = {}) {
  options.validate();
  check(!path.empty(), "expected the name of a file, found an empty one");
  return detail::load_image(path, one_line(path), options);
}

}  // namespace fovea::inline FOVEA_ABI
