// SPDX-License-Identifier: MIT
//
// gzip, by zlib, the only file that includes it. Link fovea::io.
//
//   const auto data = load_mnist(directory, read_file_or_gzip);
//
// The archive is not trusted: what comes out of it is bounded, and a checksum, a length or a byte
// that is wrong is an error. As with gzip -d, several members one after the other are one file (RFC
// 1952, 2.2), and zeros after the last one, with which a tape was filled up, do not count.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "fovea/core/file.hpp"

namespace fovea::inline FOVEA_ABI {

/// What the gzip archive `packed` holds, at most `limit` bytes; `name` is for errors.
inline Bytes gunzip(std::span<const std::uint8_t> packed, std::size_t limit,
                    std::string_view name) {
  check(packed.size() >= 18, name, ": expected a gzip file, found only ", packed.size(), " bytes");
  z_stream stream{};
  check(inflateInit2(&stream, 15 + 16) == Z_OK, name, ": zlib cannot be started");
  struct End {
    z_stream* stream;
    ~End() { inflateEnd(stream); }
  } const end{&stream};

  // With room for one byte more than the limit, what is too long is noticed.
  const std::size_t most = limit + (limit < std::numeric_limits<std::size_t>::max());
  // The last four bytes give the length, modulo 2^32. They are a hint, no more: deflate never gains
  // more than a factor of 1032, so a lie cannot make this function allocate more than that.
  const std::uint8_t* const tail = packed.data() + packed.size() - 4;
  const std::size_t hint =
      tail[0] | std::size_t{tail[1]} << 8 | std::size_t{tail[2]} << 16 | std::size_t{tail[3]} << 24;
  Bytes out =
      make_bytes(std::min({std::max<std::size_t>(hint + 1, 1), 1032 * packed.size(), most}), name);
  std::size_t filled = 0;
  stream.next_in = const_cast<Bytef*>(packed.data());
  std::size_t unread = packed.size();
  for (int status = Z_OK; status != Z_STREAM_END;) {
    if (filled == out.size()) {
      check(filled < most, name, ": expected at most ", limit, " bytes when unpacked, found more");
      Bytes longer = make_bytes(std::min(std::max<std::size_t>(2 * filled, 1024), most), name);
      std::copy(out.begin(), out.end(), longer.begin());
      out = std::move(longer);
    }
    constexpr std::size_t step = std::size_t{1} << 30;  // zlib counts in 32 bits
    const std::size_t room = std::min(out.size() - filled, step), given = std::min(unread, step);
    stream.next_out = out.data() + filled;
    stream.avail_out = static_cast<uInt>(room);
    stream.avail_in = static_cast<uInt>(given);
    status = inflate(&stream, Z_NO_FLUSH);
    filled += room - stream.avail_out;
    unread -= given - stream.avail_in;
    const bool starved =
        status == Z_BUF_ERROR || (status == Z_OK && unread == 0 && stream.avail_out > 0);
    check(!starved, name, ": expected a whole gzip file, found one that ends early");
    check(status == Z_OK || status == Z_STREAM_END, name,
          ": expected a gzip file, found a corrupt one (", stream.msg ? stream.msg : "zlib error",
          ")");
    const auto rest = packed.last(unread);
    if (status == Z_STREAM_END && rest.size() > 1 && rest[0] == 0x1f && rest[1] == 0x8b)
      status = inflateReset(&stream);  // another member
  }
  const auto rest = packed.last(unread);
  const auto zeros = std::count(rest.begin(), rest.end(), 0);
  check(zeros == std::ssize(rest), name, ": expected nothing after the gzip data, found ", unread,
        " bytes");
  check(filled <= limit, name, ": expected at most ", limit, " bytes when unpacked, found ",
        filled);
  out.resize(filled);
  return out;
}

/// A file's content, unpacked if it is a gzip archive (by its first two bytes, whatever its name).
inline Bytes read_file_or_gzip(const std::string& path, std::size_t limit) {
  Bytes bytes = read_file(path, limit);
  const bool packed = bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
  if (!packed) {
    check(!path.ends_with(".gz"), path, ": expected a gzip file, found something else");
    return bytes;
  }
  return gunzip(bytes, limit, path);
}

}  // namespace fovea::inline FOVEA_ABI
