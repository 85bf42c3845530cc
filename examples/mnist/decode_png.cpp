// SPDX-License-Identifier: MIT
//
// PNG, by libpng. Of the chunks that a picture can do without, libpng is given tRNS alone, and this file
// looks for the orientation in others: whatever else is in the file cannot keep its pixels from being
// read. Samples are taken as they are: gamma and colour profiles are not applied, so that a PNG and a
// JPEG file with the same samples are read as the same picture. They would change contrast and hardly the
// order of light and dark.
#include <png.h>
#include <zlib.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "mnist/grey_picture.hpp"
#include "mnist/orientation.hpp"

using namespace fovea;

namespace {

// 32 bits, most significant byte first.
std::uint32_t number(Input bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::string_view letters(Input bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The part of `rest` before the next zero, which is taken off with the zero.
std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

// What zlib has packed, or the first MiB of it; an orientation comes early.
std::string unpacked(std::string_view packed) {
  std::string text(std::size_t{1} << 20, '\0');
  uLongf size = text.size();
  uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
             reinterpret_cast<const Bytef*>(packed.data()), static_cast<uLong>(packed.size()));
  text.resize(size);
  return text;
}

// A chunk of text: a keyword, then the text; zTXt is packed, iTXt may be, and has languages.
void read_text(std::string_view kind, std::string_view rest, Orientation& orientation) {
  const auto keyword = take_word(rest);
  bool packed = kind == "zTXt";
  const std::size_t flags = kind == "iTXt" ? 2 : packed ? 1 : 0;
  if (rest.size() < flags) return;
  if (kind == "iTXt") packed = rest[0] != 0;
  rest.remove_prefix(flags);
  if (kind == "iTXt") take_word(rest), take_word(rest);
  orientation.add_text(keyword, packed ? unpacked(rest) : std::string(rest));
}

// A PNG file is chunks: length, four letters, data, checksum of letters and data; IEND is the last.
// Checksums count in chunks that are used, which begin with a capital but for those below.
Orientation read_chunks(Input file, std::string_view name) {
  Orientation orientation;
  Input rest = file.subspan(8);
  for (bool end = false; !end;) {
    check(rest.size() >= 12, name, ": expected a PNG file that ends with an IEND chunk, found ",
          rest.size(), " bytes where a chunk begins (a truncated file?)");
    const std::size_t length = number(rest);
    check(length <= rest.size() - 12, name, ": expected a PNG chunk of ", length,
          " bytes, found only ", rest.size() - 12, " (a truncated file?)");
    const Input checked = rest.subspan(4, 4 + length), data = checked.subspan(4);
    const auto kind = letters(checked.first(4));
    auto after_keyword = letters(data);
    const bool text = (kind == "tEXt" || kind == "zTXt" || kind == "iTXt") &&
                      may_hold_orientation(take_word(after_keyword));
    if ((kind[0] & 32) == 0 || kind == "tRNS" || kind == "eXIf" || text) {
      const auto sum = crc32(0, checked.data(), static_cast<uInt>(checked.size()));
      check(sum == number(rest.subspan(8 + length)), name,
            ": expected the checksum of the PNG chunk ", printable(kind),
            " to be right, found a damaged chunk");
    }
    if (kind == "eXIf") orientation.add_exif(data);
    if (text) read_text(kind, letters(data), orientation);
    end = kind == "IEND";
    rest = rest.subspan(12 + length);
  }
  return orientation;
}

// libpng reports an error by a call that must not return. A jump leaves its C code; the functions that
// can be left so have nothing to destroy.
struct Png {
  explicit Png(Input file) : rest(file) {}
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;
  ~Png() { png_destroy_read_struct(&png, &info, nullptr); }

  unsigned height() const { return png_get_image_height(png, info); }
  unsigned width() const { return png_get_image_width(png, info); }
  bool has_palette() const { return png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE; }
  // Of a pixel: grey, grey and alpha, colour, or colour and alpha.
  std::size_t channels() const {
    if (has_palette()) return png_get_valid(png, info, PNG_INFO_tRNS) ? 4 : 3;
    return png_get_channels(png, info);
  }

  png_structp png = nullptr;
  png_infop info = nullptr;
  Input rest;
  std::jmp_buf back{};
  bool in_pixels = false;
  char message[120]{};
};

[[noreturn]] void jump_back(png_structp png, png_const_charp message) {
  auto* const state = static_cast<Png*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof state->message, "%s", message);
  std::longjmp(state->back, 1);
}
// Before the pixels, a warning is about a palette or transparency that does not fit the picture and is
// not used; among the pixels, the data are wrong, unless there are only too many.
void on_warning(png_structp png, png_const_charp message) {
  const auto* const state = static_cast<const Png*>(png_get_error_ptr(png));
  const bool surplus = std::strstr(message, "Too much image data") != nullptr ||
                       std::strstr(message, "Extra compressed data") != nullptr;
  if (state->in_pixels && !surplus) jump_back(png, message);
}
void give_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto& rest = static_cast<Png*>(png_get_io_ptr(png))->rest;
  if (count > rest.size()) png_error(png, "the file ends early");
  std::memcpy(to, rest.data(), count);
  rest = rest.subspan(count);
}

bool read_header(Png& state) {
  if (setjmp(state.back)) return false;
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, jump_back, on_warning);
  if (state.png == nullptr) return false;
  state.info = png_create_info_struct(state.png);
  if (state.info == nullptr) return false;
  png_set_read_fn(state.png, &state, give_bytes);
  png_set_keep_unknown_chunks(state.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_user_limits(state.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_extents() has others
  png_set_chunk_malloc_max(state.png, 0);  // only skipped chunks are large
  png_set_crc_action(state.png, PNG_CRC_DEFAULT, PNG_CRC_QUIET_USE);     // read_chunks() has looked
  png_set_option(state.png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);  // some headers lie
  png_read_info(state.png, state.info);
  return true;
}

// Lets libpng allocate its rows, so the extents must have been checked.
bool choose_samples(Png& state) {
  if (setjmp(state.back)) return false;
  if (state.has_palette())
    png_set_packing(state.png);
  else
    png_set_expand(state.png);
  png_set_scale_16(state.png);
  png_read_update_info(state.png, state.info);
  return true;
}

// The colours of the palette in the place of `count` indices, each with its opacity if `channels` is 4.
// libpng would take an index that is not in the palette for black.
void look_up(Png& state, std::uint8_t* row, std::size_t count, std::size_t channels) {
  png_colorp colours = nullptr;
  png_bytep opacities = nullptr;
  int colour_count = 0, opacity_count = 0;
  png_get_PLTE(state.png, state.info, &colours, &colour_count);
  png_get_tRNS(state.png, state.info, &opacities, &opacity_count, nullptr);
  for (std::size_t x = count; x-- > 0;) {
    const int index = row[x];
    if (index >= colour_count)
      png_error(state.png, "a pixel has a colour that is not in the palette");
    std::uint8_t* const pixel = row + channels * x;
    pixel[0] = colours[index].red, pixel[1] = colours[index].green, pixel[2] = colours[index].blue;
    if (channels == 4) pixel[3] = index < opacity_count ? opacities[index] : 255;
  }
}

// The seven passes of an interlaced picture are small pictures, whose pixels go into their boxes one pass
// after the other.
bool read_pixels(Png& state, BoxAverage& boxes, std::uint8_t* row) {
  if (setjmp(state.back)) return false;
  state.in_pixels = true;
  const unsigned height = state.height(), width = state.width();
  const bool passes = png_get_interlace_type(state.png, state.info) == PNG_INTERLACE_ADAM7;
  for (unsigned pass = 0; pass < (passes ? 7 : 1); ++pass) {
    const unsigned count = passes ? PNG_PASS_COLS(width, pass) : width;
    if (count == 0) continue;
    const unsigned top = passes ? PNG_PASS_START_ROW(pass) : 0,
                   down = passes ? PNG_PASS_ROW_OFFSET(pass) : 1,
                   left = passes ? PNG_PASS_START_COL(pass) : 0,
                   right = passes ? PNG_PASS_COL_OFFSET(pass) : 1;
    for (unsigned y = top; y < height; y += down) {
      png_read_row(state.png, row, nullptr);
      if (state.has_palette()) look_up(state, row, count, state.channels());
      boxes.add(y, row, static_cast<int>(state.channels()), left, right);
    }
  }
  png_read_end(state.png, nullptr);
  return true;
}

}  // namespace

Grey decode_png(Input bytes, std::string_view name) {
  const Orientation orientation = read_chunks(bytes, name);
  Png state(bytes);
  const auto check_png = [&](bool ok) {
    check(ok, name, ": expected a PNG file, found a damaged one (", printable(state.message), ")");
  };
  check_png(read_header(state));
  const Index height = state.height(), width = state.width();
  check_extents(name, height, width);
  check_png(choose_samples(state));
  Bytes row(state.width() * state.channels());
  const bool alpha = state.channels() % 2 == 0;
  BoxAverage boxes(height, width, box_side(height, width), alpha);
  check_png(read_pixels(state, boxes, row.data()));
  return upright(boxes.finish(), orientation.value());
}
