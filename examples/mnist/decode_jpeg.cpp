// SPDX-License-Identifier: MIT
//
// JPEG, by libjpeg-turbo. Of a large picture it decodes a half, a quarter or an eighth of the height and
// width, which takes less time, where that divides the boxes that are averaged.
#include <csetjmp>
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

#include "mnist/grey_picture.hpp"
#include "mnist/orientation.hpp"

using namespace fovea;

namespace {

// libjpeg reports an error by a call that must not return. A jump leaves its C code; the functions that
// can be left so have nothing to destroy.
struct Jpeg {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf back{};
  bool unsupported = false;
  char message[JMSG_LENGTH_MAX]{};

  Jpeg() = default;
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;
  ~Jpeg() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void jump_back(j_common_ptr info) {
  auto* const jpeg = static_cast<Jpeg*>(info->client_data);
  jpeg->errors.format_message(info, jpeg->message);
  switch (jpeg->errors.msg_code) {
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      jpeg->unsupported = true;
  }
  std::longjmp(jpeg->back, 1);
}

// Whether the pixels are whole all the same. Bytes before a marker that belong to no segment are padding;
// within a scan, whose decoder should have used them, only a few can be.
bool is_harmless(const jpeg_decompress_struct& info) {
  constexpr int most_padding = 16;
  const auto& error = *info.err;
  switch (error.msg_code) {
    case JWRN_ADOBE_XFORM:     // a number that Adobe has not given away; taken for YCbCr or YCCK
    case JWRN_JFIF_MAJOR:      // a version of JFIF that does not exist yet
    case JWRN_NOT_SEQUENTIAL:  // a scan's header with zeros where the numbers can only be 0, 63, 0, 0
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

void on_message(j_common_ptr info, int level) {
  const bool warning = level < 0;
  if (warning && !is_harmless(*reinterpret_cast<j_decompress_ptr>(info))) jump_back(info);
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

bool read_header(Jpeg& jpeg, Input bytes) {
  jpeg.info.err = jpeg_std_error(&jpeg.errors);
  jpeg.info.client_data = &jpeg;
  jpeg.errors.error_exit = jump_back;
  jpeg.errors.emit_message = on_message;
  if (setjmp(jpeg.back)) return false;
  jpeg_create_decompress(&jpeg.info);
  jpeg.progress.progress_monitor = on_progress;
  jpeg.info.progress = &jpeg.progress;
  jpeg_save_markers(&jpeg.info, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(&jpeg.info, bytes.data(), bytes.size());
  jpeg_read_header(&jpeg.info, TRUE);
  return true;
}

// Cyan, magenta, yellow and black as red, green and blue, in the same row. A JPEG file has the complements
// of the inks, as Adobe's programs began to write them and all others read them.
void mix_inks(std::uint8_t* row, Index width) {
  for (Index x = 0; x < width; ++x)
    for (Index c = 0; c < 3; ++c)
      row[3 * x + c] = static_cast<std::uint8_t>((row[4 * x + c] * row[4 * x + 3] + 127) / 255);
}

bool read_pixels(Jpeg& jpeg, BoxAverage& boxes, std::uint8_t* row) {
  if (setjmp(jpeg.back)) return false;
  jpeg_start_decompress(&jpeg.info);
  const bool inks = jpeg.info.out_color_space == JCS_CMYK;
  while (jpeg.info.output_scanline < jpeg.info.output_height) {
    const Index y = jpeg.info.output_scanline;
    jpeg_read_scanlines(&jpeg.info, &row, 1);
    if (inks) mix_inks(row, jpeg.info.output_width);
    boxes.add(y, row, inks ? 3 : 1);
  }
  jpeg_finish_decompress(&jpeg.info);
  return true;
}

// In several scans, the numbers of all blocks are kept until the last one. The first scan has at least a
// bit for each block, so a small file is refused before it takes much memory.
void check_memory(jpeg_decompress_struct& info, Input file, std::string_view name) {
  if (!jpeg_has_multiple_scans(&info)) return;
  std::size_t needed = 0;
  for (int c = 0; c < info.num_components; ++c)
    needed += std::size_t{sizeof(JBLOCK)} * info.comp_info[c].width_in_blocks *
              info.comp_info[c].height_in_blocks;
  const std::size_t most = std::min(most_progressive_bytes, 8 * sizeof(JBLOCK) * file.size());
  check(needed <= most, name, ": expected a progressive JPEG that needs at most ", most,
        " bytes, as it has ", file.size(), ", found one that needs ", needed);
}

}  // namespace

Grey decode_jpeg(Input bytes, std::string_view name) {
  Jpeg jpeg;
  const auto check_jpeg = [&](bool ok) {
    check(ok || !jpeg.unsupported, name,
          ": expected a JPEG file of a kind that libjpeg reads, found another (",
          printable(jpeg.message), ")");
    check(ok, name, ": expected a JPEG file, found a damaged one (", printable(jpeg.message), ")");
  };
  check_jpeg(read_header(jpeg, bytes));
  auto& info = jpeg.info;
  const Index height = info.image_height, width = info.image_width;
  check_extents(name, height, width);
  const int components = info.num_components;
  check(components == 1 || components == 3 || components == 4, name,
        ": expected a JPEG in grey, colour or four inks, found one with ", components,
        " components");
  check_memory(info, bytes, name);
  Orientation orientation;  // from markers that jpeg_finish_decompress() frees
  for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next)
    orientation.add_app1({marker->data, marker->data_length});
  info.out_color_space = components == 4 ? JCS_CMYK : JCS_GRAYSCALE;
  Index side = box_side(height, width);
  info.scale_num = info.scale_denom = 1;
  for (; side % 2 == 0 && info.scale_denom < 8; side /= 2) info.scale_denom *= 2;
  jpeg_calc_output_dimensions(&info);
  Bytes row(std::size_t{info.output_width} * static_cast<unsigned>(info.out_color_components));
  BoxAverage boxes(info.output_height, info.output_width, side, false);
  check_jpeg(read_pixels(jpeg, boxes, row.data()));
  return upright(boxes.finish(), orientation.value());
}
