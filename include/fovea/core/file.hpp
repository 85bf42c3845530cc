// SPDX-License-Identifier: MIT
//
// Whole files in, whole files out. A file is written beside its place and then renamed into it, so
// that a reader, or a crash, never sees half of one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

using Bytes = std::vector<std::uint8_t>;

namespace detail {
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
}  // namespace detail

/// The content of a file of at most `limit` bytes.
[[gnu::cold]] inline Bytes read_file(const std::filesystem::path& path,
                                     std::size_t limit = std::size_t{1} << 30) {
  check(std::filesystem::is_regular_file(path), path.string(), ": expected a file, found ",
        std::filesystem::exists(path) ? "something else" : "nothing");
  const auto size = std::filesystem::file_size(path);
  check(size <= limit, path.string(), ": expected at most ", limit, " bytes, found ", size);
  Bytes bytes(static_cast<std::size_t>(size));
  std::unique_ptr<std::FILE, detail::CloseFile> file(std::fopen(path.c_str(), "rb"));
  check(file != nullptr, path.string(), ": cannot be opened for reading");
  check(std::fread(bytes.data(), 1, bytes.size(), file.get()) == bytes.size(), path.string(),
        ": cannot be read to its end");
  return bytes;
}

/// Writes a whole file or, on any failure, throws and leaves what was there.
[[gnu::cold]] inline void write_file(const std::filesystem::path& path,
                                     std::span<const std::uint8_t> bytes) {
  std::filesystem::path beside = path;
  beside += ".part";
  std::unique_ptr<std::FILE, detail::CloseFile> file(std::fopen(beside.c_str(), "wb"));
  check(file != nullptr, path.string(), ": cannot be opened for writing");
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  const bool closed = std::fclose(file.release()) == 0;
  std::error_code error;
  if (written && closed) std::filesystem::rename(beside, path, error);
  if (!written || !closed || error) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    fail(path.string(), ": cannot be written (", bytes.size(), " bytes)");
  }
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace fovea::inline FOVEA_ABI
