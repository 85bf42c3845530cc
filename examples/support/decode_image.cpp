// SPDX-License-Identifier: MIT
#include "support/decode_image.hpp"

#include <jpeglib.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>

#include "fovea/data/idx.hpp"
#include "fovea/io/gzip.hpp"

using namespace fovea;
using Grey = Tensor<std::uint8_t, 2>;
using Input = std::span<const std::uint8_t>;

namespace {

bool begins_with(Input bytes, std::initializer_list<int> start) {
  return bytes.size() >= start.size() &&
         std::equal(start.begin(), start.end(), bytes.begin(), [](int a, int b) { return a == b; });
}
bool is_png(Input bytes) {
  return begins_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
}
bool is_jpeg(Input bytes) { return begins_with(bytes, {0xff, 0xd8, 0xff}); }
bool is_gzip(Input bytes) { return begins_with(bytes, {0x1f, 0x8b}); }
bool is_idx(Input bytes) { return begins_with(bytes, {0, 0}); }

void check_extents(std::string_view name, Index height, Index width) {
  constexpr Index most = 16384;
  check(0 < height && height <= most && 0 < width && width <= most &&
            height * width <= most_picture_pixels,
        name, ": expected a height and a width in [1, ", most, "] and at most ",
        most_picture_pixels, " pixels, found ", height, " x ", width);
}

// 32 bits, most significant byte first.
std::uint32_t number(Input bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// A PNG file is chunks: length, four letters, data, checksum of letters and data; IEND is the last. libpng
// stops when it has all pixels and would not miss the rest.
void check_chunks(Input file, std::string_view name) {
  Input rest = file.subspan(8);
  for (bool end = false; !end;) {
    check(rest.size() >= 12, name, ": expected a PNG file that ends with an IEND chunk, found ",
          rest.size(), " bytes where a chunk begins (a truncated file?)");
    const std::size_t length = number(rest);
    check(length <= rest.size() - 12, name, ": expected a PNG chunk of ", length,
          " bytes, found only ", rest.size() - 12, " (a truncated file?)");
    const Input checked = rest.subspan(4, 4 + length);
    const std::string letters(checked.begin(), checked.begin() + 4);
    const auto sum = crc32(0, checked.data(), static_cast<uInt>(checked.size()));
    check(sum == number(rest.subspan(8 + length)), name,
          ": expected the checksum of the PNG chunk ", printable(letters),
          " to be right, found a damaged chunk");
    end = letters == "IEND";
    rest = rest.subspan(12 + length);
  }
}

// Lays grey and alpha (H, 2 W) on white or black.
Grey on_paper(const Grey& pixels) {
  double visible = 0, light = 0;
  for (Index i = 0; i < pixels.size(); i += 2) {
    visible += pixels.data()[i + 1];
    light += static_cast<double>(pixels.data()[i]) * pixels.data()[i + 1];
  }
  const bool little = visible < 255.0 * static_cast<double>(pixels.size() / 2) / 2;
  const int paper = little && light > 127.5 * visible ? 0 : 255;
  Grey grey(Shape{pixels.extent(0), pixels.extent(1) / 2});
  for (Index i = 0; i < grey.size(); ++i) {
    const int alpha = pixels.data()[2 * i + 1];
    grey.data()[i] = static_cast<std::uint8_t>(
        (pixels.data()[2 * i] * alpha + paper * (255 - alpha) + 127) / 255);
  }
  return grey;
}

Grey decode_png(Input bytes, std::string_view name) {
  check_chunks(bytes, name);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  struct Free {
    png_image* image;
    ~Free() { png_image_free(image); }
  } const free_at_the_end{&image};
  const auto check_png = [&](int ok) {
    check(ok != 0 && image.warning_or_error == 0, name,
          ": expected a PNG file, found a damaged one (", printable(image.message), ")");
  };
  check_png(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  const Index height = image.height, width = image.width;
  check_extents(name, height, width);
  const bool alpha = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  image.format = alpha ? PNG_FORMAT_GA : PNG_FORMAT_GRAY;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // as programs write them
  Grey pixels(Shape{height, alpha ? 2 * width : width});
  check_png(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr));
  return alpha ? on_paper(pixels) : std::move(pixels);
}

// libjpeg reports an error by a call that must not return. A jump leaves its C code; the functions that
// can be left so have nothing to destroy.
struct Jpeg {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf back{};
  char message[JMSG_LENGTH_MAX]{};

  Jpeg() = default;
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;
  ~Jpeg() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void jump_back(j_common_ptr info) {
  auto* const jpeg = static_cast<Jpeg*>(info->client_data);
  jpeg->errors.format_message(info, jpeg->message);
  std::longjmp(jpeg->back, 1);
}
void on_message(j_common_ptr info, int level) {
  if (level < 0) jump_back(info);  // a warning: the data are corrupt
}
// Each scan of a progressive file takes a walk through all pixels, and takes few bytes.
void on_progress(j_common_ptr info) {
  constexpr int most_scans = 100;
  if (info->is_decompressor &&
      reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > most_scans) {
    auto* const jpeg = static_cast<Jpeg*>(info->client_data);
    std::snprintf(jpeg->message, sizeof jpeg->message, "more than %d scans", most_scans);
    std::longjmp(jpeg->back, 1);
  }
}

bool read_header(Jpeg& jpeg, const std::uint8_t* data, std::size_t size) {
  jpeg.info.err = jpeg_std_error(&jpeg.errors);
  jpeg.info.client_data = &jpeg;
  jpeg.errors.error_exit = jump_back;
  jpeg.errors.emit_message = on_message;
  if (setjmp(jpeg.back)) return false;
  jpeg_create_decompress(&jpeg.info);
  jpeg.progress.progress_monitor = on_progress;
  jpeg.info.progress = &jpeg.progress;
  jpeg_save_markers(&jpeg.info, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(&jpeg.info, data, size);
  jpeg_read_header(&jpeg.info, TRUE);
  return true;
}

bool read_pixels(Jpeg& jpeg, std::uint8_t* pixels) {
  if (setjmp(jpeg.back)) return false;
  jpeg_start_decompress(&jpeg.info);
  while (jpeg.info.output_scanline < jpeg.info.output_height) {
    JSAMPROW row = pixels + std::size_t{jpeg.info.output_scanline} * jpeg.info.output_width;
    jpeg_read_scanlines(&jpeg.info, &row, 1);
  }
  jpeg_finish_decompress(&jpeg.info);
  return true;
}

// How the camera was held, 1 to 8, in the Exif block of a JPEG file: a little TIFF file, whose numbers
// have either order. 1, upright, if it does not say.
int orientation(Input exif) {
  if (!begins_with(exif, {'E', 'x', 'i', 'f', 0, 0})) return 1;
  const Input tiff = exif.subspan(6);
  const bool little = begins_with(tiff, {'I', 'I', 42, 0});
  if (!little && !begins_with(tiff, {'M', 'M', 0, 42})) return 1;
  const auto at = [&](std::size_t from, std::size_t count) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (from + i < tiff.size())
        value |= std::size_t{tiff[from + i]} << 8 * (little ? i : count - 1 - i);
    return value;
  };
  const std::size_t table = at(4, 4), entries = at(table, 2);
  for (std::size_t i = 0; i < entries; ++i)
    if (const std::size_t entry = table + 2 + 12 * i;
        at(entry, 2) == 0x112 && at(entry + 2, 2) == 3)
      if (const auto value = static_cast<int>(at(entry + 8, 2)); 1 <= value && value <= 8)
        return value;
  return 1;
}

Grey upright(Grey image, int orientation) {
  if (orientation == 1) return image;
  const auto [H, W] = image.shape();
  const bool swap = orientation >= 5,
             up = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7,
             mirror = orientation == 2 || orientation == 3 || orientation >= 7;
  Grey result(swap ? Shape{W, H} : Shape{H, W});
  for (Index i = 0; i < result.extent(0); ++i)
    for (Index j = 0; j < result.extent(1); ++j) {
      const Index row = swap ? j : i, col = swap ? i : j;
      result(i, j) = image(up ? H - 1 - row : row, mirror ? W - 1 - col : col);
    }
  return result;
}

Grey decode_jpeg(Input bytes, std::string_view name) {
  Jpeg jpeg;
  const auto check_jpeg = [&](bool ok) {
    check(ok, name, ": expected a JPEG file, found a damaged one (", printable(jpeg.message), ")");
  };
  check_jpeg(read_header(jpeg, bytes.data(), bytes.size()));
  auto& info = jpeg.info;
  const Index height = info.image_height, width = info.image_width;
  check_extents(name, height, width);
  check(info.num_components == 1 || info.num_components == 3, name,
        ": expected a JPEG in grey or colour, found one with ", info.num_components, " components");
  if (jpeg_has_multiple_scans(&info)) {
    // The numbers of all blocks are kept until the last scan.
    constexpr Index most = 40'000'000;
    Index needed = 0;
    for (int c = 0; c < info.num_components; ++c)
      needed += Index{128} * info.comp_info[c].width_in_blocks * info.comp_info[c].height_in_blocks;
    check(needed <= most, name, ": expected a progressive JPEG that needs at most ", most,
          " bytes, found one that needs ", needed);
  }
  info.out_color_space = JCS_GRAYSCALE;
  info.scale_num = 1, info.scale_denom = 1;
  while (info.scale_denom < 8 && std::max(height, width) >= 2048 * Index{info.scale_denom})
    info.scale_denom *= 2;
  jpeg_calc_output_dimensions(&info);
  // Read before jpeg_finish_decompress frees it.
  const auto* const exif = info.marker_list;
  const int held = exif ? orientation({exif->data, exif->data_length}) : 1;
  Grey pixels(Shape{Index{info.output_height}, Index{info.output_width}});
  check_jpeg(read_pixels(jpeg, pixels.data()));
  return upright(std::move(pixels), held);
}

}  // namespace

Grey decode_image(Input bytes, std::string_view name) {
  check(bytes.size() <= most_picture_bytes, name, ": expected at most ", most_picture_bytes,
        " bytes, found ", bytes.size());
  if (is_png(bytes)) return decode_png(bytes, name);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name);
  fail(name, ": expected a PNG, JPEG or IDX file, found ",
       bytes.empty() ? "an empty file" : "something else");
}

bool holds_idx(Input bytes) { return is_idx(bytes) || is_gzip(bytes); }

Tensor<std::uint8_t, 3> decode_idx(Input bytes, std::string_view name) {
  if (is_gzip(bytes)) return parse_idx<3>(gunzip(bytes, most_idx_bytes, name), name);
  return parse_idx<3>(bytes, name);
}

Bytes read_picture(const std::string& path) {
  return read_file(path == "-" ? "/dev/stdin" : path, most_idx_bytes);
}
