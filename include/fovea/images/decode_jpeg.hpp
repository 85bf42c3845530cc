// SPDX-License-Identifier: MIT
//
// JPEG, by libjpeg-turbo, the only file that includes it. Link fovea::images.
//
// Of a large picture libjpeg decodes a half, a quarter or an eighth of the height and width, which
// takes less time, where that divides the boxes that are averaged.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs both

#include <jerror.h>
#include <jpeglib.h>

#include "fovea/core/file.hpp"
#include "fovea/images/box_average.hpp"
#include "fovea/images/orientation.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// libjpeg reports an error by a call that must not return. A jump leaves its C code; the functions
// that can be left so have nothing to destroy.
class JpegReader {
 public:
  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info); }

  const char* message() const { return message_; }
  // Whether libjpeg does not read files of this kind.
  bool is_unsupported() const { return unsupported_; }

  FOVEA_OUT_OF_LINE bool read_header(std::span<const std::uint8_t> bytes) {
    info.err = jpeg_std_error(&errors_);
    info.client_data = this;
    errors_.error_exit = jump_back;
    errors_.emit_message = on_message;
    if (setjmp(back_) != 0) return false;
    jpeg_CreateDecompress(&info, JPEG_LIB_VERSION, sizeof(jpeg_decompress_struct));
    progress_.progress_monitor = on_progress;
    info.progress = &progress_;
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
    const unsigned long size = bytes.size();
    jpeg_mem_src(&info, bytes.data(), size);
    jpeg_read_header(&info, TRUE);
    return true;
  }

  FOVEA_OUT_OF_LINE bool read_pixels(BoxAverage& boxes, std::uint8_t* row) {
    if (setjmp(back_) != 0) return false;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) read_row(boxes, row);
    jpeg_finish_decompress(&info);
    return true;
  }

  jpeg_decompress_struct info{};

 private:
  void read_row(BoxAverage& boxes, std::uint8_t* row) {
    const Index y = static_cast<Index>(info.output_scanline);
    jpeg_read_scanlines(&info, &row, 1);
    const bool inks = info.out_color_space == JCS_CMYK;
    if (inks) mix_inks(row, static_cast<Index>(info.output_width));
    boxes.add(y, row, inks ? 3 : info.out_color_components);
  }

  // Cyan, magenta, yellow and black as red, green and blue, in the same row. A JPEG file has the
  // complements of the inks, as Adobe's programs began to write them and all others read them.
  static void mix_inks(std::uint8_t* row, Index width) {
    for (Index x = 0; x < width; ++x)
      for (Index c = 0; c < 3; ++c)
        row[3 * x + c] = static_cast<std::uint8_t>((row[4 * x + c] * row[4 * x + 3] + 127) / 255);
  }

  [[noreturn]] static void jump_back(j_common_ptr info) {
    auto* const reader = static_cast<JpegReader*>(info->client_data);
    reader->errors_.format_message(info, reader->message_);
    switch (reader->errors_.msg_code) {
      case JERR_ARITH_NOTIMPL:
      case JERR_BAD_PRECISION:
      case JERR_CCIR601_NOTIMPL:
      case JERR_CONVERSION_NOTIMPL:
      case JERR_FRACT_SAMPLE_NOTIMPL:
      case JERR_IMAGE_TOO_BIG:
      case JERR_NOT_COMPILED:
      case JERR_SOF_UNSUPPORTED:
        reader->unsupported_ = true;
        break;
      default:
        break;
    }
    std::longjmp(reader->back_, 1);
  }

  // Whether the pixels are whole all the same. Bytes before a marker that belong to no segment are
  // padding; within a scan, whose decoder should have used them, only a few can be.
  static bool is_harmless(const jpeg_decompress_struct& info) {
    constexpr int most_padding = 16;
    const auto& error = *info.err;
    switch (error.msg_code) {
      case JWRN_ADOBE_XFORM:     // a number not assigned by Adobe; taken for YCbCr or YCCK
      case JWRN_JFIF_MAJOR:      // a version of JFIF that does not exist yet
      case JWRN_NOT_SEQUENTIAL:  // a scan's header with zeros where only 0, 63, 0, 0 can be
        return true;
      case JWRN_EXTRANEOUS_DATA: {
        const int bytes = error.msg_parm.i[0], marker = error.msg_parm.i[1];
        const bool restart = 0xd0 <= marker && marker <= 0xd7;
        return info.input_scan_number == 0 || (bytes <= most_padding && !restart);
      }
      default:
        return false;
    }
  }

  static void on_message(j_common_ptr info, int level) {
    const bool warning = level < 0;
    if (warning && !is_harmless(static_cast<JpegReader*>(info->client_data)->info)) jump_back(info);
  }
  // Each scan of a progressive file takes a walk through all pixels, and takes few bytes.
  static void on_progress(j_common_ptr common) {
    constexpr int most_scans = 100;
    auto* const reader = static_cast<JpegReader*>(common->client_data);
    if (reader->info.input_scan_number <= most_scans) return;
    std::snprintf(reader->message_, sizeof reader->message_, "more than %d scans", most_scans);
    std::longjmp(reader->back_, 1);
  }

  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf back_{};
  bool unsupported_ = false;
  char message_[JMSG_LENGTH_MAX]{};
};

// In several scans, the numbers of all blocks are kept until the last one. The first scan has at
// least a bit for each block, so a small file is refused before it takes much memory.
[[gnu::cold]] inline void check_scan_memory(jpeg_decompress_struct& info, std::size_t file_bytes,
                                            std::string_view name, const DecodeOptions& options) {
  if (jpeg_has_multiple_scans(&info) == 0) return;
  std::size_t needed = 0;
  for (int c = 0; c < info.num_components; ++c)
    needed += std::size_t{sizeof(JBLOCK)} * info.comp_info[c].width_in_blocks *
              info.comp_info[c].height_in_blocks;
  const std::size_t most = std::min(options.most_scan_bytes, 8 * sizeof(JBLOCK) * file_bytes);
  check(needed <= most, name, ": expected a progressive JPEG that needs at most ", most,
        " bytes, as it has ", file_bytes, ", found one that needs ", needed);
}

// A JPEG file as decode_image() returns it.
[[gnu::cold]] inline Tensor<std::uint8_t, 3> decode_jpeg(std::span<const std::uint8_t> bytes,
                                                         std::string_view name,
                                                         const DecodeOptions& options) {
  JpegReader jpeg;
  const auto check_jpeg = [&](bool ok) {
    check(ok || !jpeg.is_unsupported(), name,
          ": expected a JPEG file of a kind that libjpeg reads, found another (",
          printable(jpeg.message()), ")");
    check(ok, name, ": expected a JPEG file, found a damaged one (", printable(jpeg.message()),
          ")");
  };
  check_jpeg(jpeg.read_header(bytes));
  auto& info = jpeg.info;
  const auto height = static_cast<Index>(info.image_height),
             width = static_cast<Index>(info.image_width);
  check_image_extents(name, height, width, options);
  const int components = info.num_components;
  check(components == 1 || components == 3 || components == 4, name,
        ": expected a JPEG in grey, colour or four inks, found one with ", components,
        " components");
  check_scan_memory(info, bytes.size(), name, options);
  Orientation orientation;  // from markers that jpeg_finish_decompress() frees
  for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next)
    orientation.add_app1({marker->data, marker->data_length});
  const bool colour = components > 1 && options.channels == 3;
  info.out_color_space = components == 4 ? JCS_CMYK : colour ? JCS_RGB : JCS_GRAYSCALE;
  Index side = box_side(height, width, options);
  info.scale_num = 1;
  info.scale_denom = 1;
  for (; side % 2 == 0 && info.scale_denom < 8; side /= 2) info.scale_denom *= 2;
  jpeg_calc_output_dimensions(&info);
  Bytes row(std::size_t{info.output_width} * static_cast<unsigned>(info.out_color_components));
  BoxAverage boxes(static_cast<Index>(info.output_height), static_cast<Index>(info.output_width),
                   side, colour ? 3 : 1, false);
  check_jpeg(jpeg.read_pixels(boxes, row.data()));
  return upright(boxes.finish(options.channels, options.background), orientation.value());
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
