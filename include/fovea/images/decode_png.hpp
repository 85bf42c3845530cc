// SPDX-License-Identifier: MIT
//
// PNG, by libpng, the only file that includes it. Link fovea::images.
//
// Of the chunks that a picture can do without, libpng is given tRNS alone, and this file looks for
// the orientation in others: whatever else is in the file cannot keep its pixels from being read.
// Of an animation (APNG) that is its first frame. Samples are taken as they are: gamma and colour
// profiles are not applied, so that a PNG and a JPEG file with the same samples are read as the
// same picture. Of 16 bits a sample the upper ones count, rounded.
#pragma once

#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "fovea/images/box_average.hpp"
#include "fovea/images/orientation.hpp"
#include "fovea/io/gzip.hpp"  // zlib, for checksums and packed text

namespace fovea::inline FOVEA_ABI {

namespace detail {

// 32 bits, most significant byte first.
inline std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// The part of `rest` before the next zero, which is taken off with the zero.
inline std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

// What zlib has packed, or the first MiB of it; an orientation comes early.
[[gnu::cold]] inline std::string unpacked_text(std::string_view packed) {
  std::string text(std::size_t{1} << 20, '\0');
  uLongf size = text.size();
  uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
             reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  text.resize(size);
  return text;
}

// A chunk of text: a keyword, then the text; zTXt is packed, iTXt may be, and has languages.
[[gnu::cold]] inline void read_png_text(std::string_view kind, std::string_view rest,
                                        Orientation& orientation) {
  const auto keyword = take_word(rest);
  bool packed = kind == "zTXt";
  const std::size_t flags = kind == "iTXt" ? 2 : packed ? 1 : 0;
  if (rest.size() < flags) return;
  if (kind == "iTXt") packed = rest[0] != 0;
  rest.remove_prefix(flags);
  for (int word = 0; kind == "iTXt" && word < 2; ++word) take_word(rest);
  orientation.add_text(keyword, packed ? unpacked_text(rest) : std::string(rest));
}

// A PNG file is chunks: length, four letters, data, checksum of letters and data; IEND is the last.
// Checksums count in chunks that are used, which begin with a capital but for those below.
[[gnu::cold]] inline Orientation read_png_chunks(std::span<const std::uint8_t> file,
                                                 std::string_view name) {
  Orientation orientation;
  auto rest = file.subspan(8);
  for (bool end = false; !end;) {
    check(rest.size() >= 12, name, ": expected a PNG file that ends with an IEND chunk, found ",
          rest.size(), " bytes where a chunk begins (a truncated file?)");
    const std::size_t length = big_endian(rest);
    check(length <= rest.size() - 12, name, ": expected a PNG chunk of ", length,
          " bytes, found only ", rest.size() - 12, " (a truncated file?)");
    const auto checked = rest.subspan(4, 4 + length), data = checked.subspan(4);
    const auto kind = letters(checked.first(4));
    auto after_keyword = letters(data);
    const bool text = (kind == "tEXt" || kind == "zTXt" || kind == "iTXt") &&
                      may_hold_orientation(take_word(after_keyword));
    if ((kind[0] & 32) == 0 || kind == "tRNS" || kind == "eXIf" || text) {
      const auto sum = crc32(0, checked.data(), static_cast<uInt>(checked.size()));
      check(sum == big_endian(rest.subspan(8 + length)), name,
            ": expected the checksum of the PNG chunk ", printable(kind),
            " to be right, found a damaged chunk");
    }
    if (kind == "eXIf") orientation.add_exif(data);
    if (text) read_png_text(kind, letters(data), orientation);
    end = kind == "IEND";
    rest = rest.subspan(12 + length);
  }
  return orientation;
}

// libpng reports an error by a call that must not return. A jump leaves its C code; the functions
// that can be left so have nothing to destroy.
class PngReader {
 public:
  explicit PngReader(std::span<const std::uint8_t> file) : rest_(file) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Index height() const { return static_cast<Index>(png_get_image_height(png_, info_)); }
  Index width() const { return static_cast<Index>(png_get_image_width(png_, info_)); }
  // Of a pixel: grey, grey and alpha, colour, or colour and alpha.
  Index channels() const {
    if (has_palette()) return png_get_valid(png_, info_, PNG_INFO_tRNS) != 0 ? 4 : 3;
    return png_get_channels(png_, info_);
  }
  const char* message() const { return message_; }

  FOVEA_OUT_OF_LINE bool read_header() {
    if (setjmp(back_) != 0) return false;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, jump_back, on_warning);
    if (png_ == nullptr) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_read_fn(png_, this, give_bytes);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);   // check_image_extents has others
    png_set_chunk_malloc_max(png_, 0);                             // only skipped chunks are large
    png_set_crc_action(png_, PNG_CRC_DEFAULT, PNG_CRC_QUIET_USE);  // read_png_chunks has looked
    png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);  // some headers lie
    png_read_info(png_, info_);
    return true;
  }

  // Lets libpng allocate its rows, so the extents must have been checked.
  FOVEA_OUT_OF_LINE bool choose_samples() {
    if (setjmp(back_) != 0) return false;
    if (has_palette())
      png_set_packing(png_);
    else
      png_set_expand(png_);
    png_set_scale_16(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  // The seven passes of an interlaced picture are small pictures, whose pixels go into their boxes
  // one pass after the other.
  FOVEA_OUT_OF_LINE bool read_pixels(BoxAverage& boxes, std::uint8_t* row) {
    if (setjmp(back_) != 0) return false;
    in_pixels_ = true;
    if (png_get_interlace_type(png_, info_) == PNG_INTERLACE_ADAM7) {
      constexpr Pass passes[]{{0, 8, 0, 8}, {0, 8, 4, 8}, {4, 8, 0, 4}, {0, 4, 2, 4},
                              {2, 4, 0, 2}, {0, 2, 1, 2}, {1, 2, 0, 1}};
      for (const Pass& pass : passes) read_pass(pass, boxes, row);
    } else {
      read_pass({0, 1, 0, 1}, boxes, row);
    }
    png_read_end(png_, nullptr);
    return true;
  }

 private:
  // The first row and the step to the next, then the same of columns.
  struct Pass {
    Index top, down, left, right;
  };

  bool has_palette() const { return png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE; }

  void read_pass(const Pass& pass, BoxAverage& boxes, std::uint8_t* row) {
    const Index count = (width() - pass.left + pass.right - 1) / pass.right;
    if (count <= 0) return;
    for (Index y = pass.top; y < height(); y += pass.down) {
      png_read_row(png_, row, nullptr);
      if (has_palette()) look_up(row, count);
      boxes.add(y, row, channels(), pass.left, pass.right);
    }
  }

  // The colours of the palette in the place of `count` indices, each with its opacity if there are
  // 4 channels. libpng would take an index that is not in the palette for black.
  void look_up(std::uint8_t* row, Index count) {
    png_colorp colours = nullptr;
    png_bytep opacities = nullptr;
    int colour_count = 0, opacity_count = 0;
    const Index per_pixel = channels();
    png_get_PLTE(png_, info_, &colours, &colour_count);
    png_get_tRNS(png_, info_, &opacities, &opacity_count, nullptr);
    for (Index x = count; x-- > 0;) {
      const int index = row[x];
      if (index >= colour_count) png_error(png_, "a pixel has a colour that is not in the palette");
      std::uint8_t* const pixel = row + per_pixel * x;
      pixel[0] = colours[index].red;
      pixel[1] = colours[index].green;
      pixel[2] = colours[index].blue;
      if (per_pixel == 4) pixel[3] = index < opacity_count ? opacities[index] : 255;
    }
  }

  [[noreturn]] static void jump_back(png_structp png, png_const_charp message) {
    auto* const reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(reader->message_, sizeof reader->message_, "%s", message);
    std::longjmp(reader->back_, 1);
  }
  // Before the pixels, a warning is about a palette or transparency that does not fit the picture
  // and is not used; among the pixels, the data are wrong, unless there are only too many.
  static void on_warning(png_structp png, png_const_charp message) {
    const auto* const reader = static_cast<const PngReader*>(png_get_error_ptr(png));
    const bool surplus = std::strstr(message, "Too much image data") != nullptr ||
                         std::strstr(message, "Extra compressed data") != nullptr;
    if (reader->in_pixels_ && !surplus) jump_back(png, message);
  }
  static void give_bytes(png_structp png, png_bytep to, std::size_t count) {
    auto& rest = static_cast<PngReader*>(png_get_io_ptr(png))->rest_;
    if (count > rest.size()) png_error(png, "the file ends early");
    std::memcpy(to, rest.data(), count);
    rest = rest.subspan(count);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::span<const std::uint8_t> rest_;
  std::jmp_buf back_{};
  bool in_pixels_ = false;
  char message_[120]{};
};

// A PNG file as decode_image() returns it.
[[gnu::cold]] inline Tensor<std::uint8_t, 3> decode_png(std::span<const std::uint8_t> bytes,
                                                        std::string_view name,
                                                        const DecodeOptions& options) {
  const Orientation orientation = read_png_chunks(bytes, name);
  PngReader png(bytes);
  const auto check_png = [&](bool ok) {
    check(ok, name, ": expected a PNG file, found a damaged one (", printable(png.message()), ")");
  };
  check_png(png.read_header());
  const Index height = png.height(), width = png.width();
  check_image_extents(name, height, width, options);
  check_png(png.choose_samples());
  const Index channels = png.channels();
  Bytes row(static_cast<std::size_t>(width * channels));
  BoxAverage boxes(height, width, box_side(height, width, options),
                   channels >= 3 ? options.channels : 1, channels % 2 == 0);
  check_png(png.read_pixels(boxes, row.data()));
  return upright(boxes.finish(options.channels, options.background), orientation.value());
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
