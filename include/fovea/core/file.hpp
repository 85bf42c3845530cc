// SPDX-License-Identifier: MIT
//
// Whole files in, whole files out. A file is written beside its place and then renamed into it, so
// that a reader, or a crash, never sees half of one.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a file holds.
using Bytes = std::vector<std::uint8_t>;

/// What a path leads to, in words for a sentence: "a file", "a directory", "something else" or "nothing".
[[gnu::cold]] inline std::string_view what_is_at(const std::string& path) {
  struct ::stat status;
  if (::stat(path.c_str(), &status) != 0) return "nothing";
  if ((status.st_mode & S_IFMT) == S_IFREG) return "a file";
  return (status.st_mode & S_IFMT) == S_IFDIR ? "a directory" : "something else";
}

/// `count` bytes of memory; `name` is for the error if they cannot be had.
[[gnu::cold]] inline Bytes make_bytes(std::size_t count, std::string_view name) {
  try {
    return Bytes(count);
  } catch (const std::exception&) {  // bad_alloc, or length_error
    fail(name, ": ", count, " bytes do not fit into memory");
  }
}

/// A file to read from its beginning, piece by piece.
class InputFile {
 public:
  /// Opens it; throws unless it is a file that can be read.
  [[gnu::cold]] explicit InputFile(const std::string& path) : name_(path) {
    check(!path.empty(), "expected the name of a file, found an empty one");
    const auto found = what_is_at(path);
    check(found == "a file", name_, ": expected a file, found ", found);
    file_ = std::fopen(path.c_str(), "rb");
    check(file_ != nullptr, name_, ": cannot be opened for reading");
    const bool ended = std::fseek(file_, 0, SEEK_END) == 0;
    const long size = ended ? std::ftell(file_) : -1;
    if (size < 0) {
      std::fclose(file_);
      fail(name_, ": its size cannot be found");
    }
    size_ = static_cast<std::size_t>(size);
    std::rewind(file_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() { std::fclose(file_); }

  /// In bytes, when it was opened.
  std::size_t size() const { return size_; }
  const std::string& name() const { return name_; }

  /// The next `count` bytes.
  [[gnu::cold]] Bytes read(std::size_t count) {
    Bytes bytes = make_bytes(count, name_);
    check(std::fread(bytes.data(), 1, count, file_) == count, name_, ": cannot be read to its end");
    return bytes;
  }

 private:
  std::string name_;
  std::FILE* file_ = nullptr;
  std::size_t size_ = 0;
};

/// The content of a file of at most `limit` bytes.
[[gnu::cold]] inline Bytes read_file(const std::string& path,
                                     std::size_t limit = std::size_t{1} << 30) {
  InputFile file(path);
  check(file.size() <= limit, file.name(), ": expected at most ", limit, " bytes, found ",
        file.size());
  return file.read(file.size());
}

namespace detail {

inline std::error_code last_error() { return {errno, std::generic_category()}; }

// Ends a failed attempt to write `path`: what was written of `part` goes.
[[noreturn, gnu::cold]] inline void give_up_writing(const std::string& path,
                                                    const std::string& part, std::error_code why) {
  std::remove(part.c_str());
  fail(path, ": cannot be written (", why.message(), ")");
}

// Writes all of `part`, which is to become `path`.
[[gnu::cold]] inline void write_part(const std::string& path, const std::string& part,
                                     std::span<const std::uint8_t> bytes) {
  std::FILE* const file = std::fopen(part.c_str(), "wb");
  if (!file)  // nothing was written, so what is there is not ours to remove
    fail(path, ": cannot be written (", last_error().message(), ")");
  std::error_code error;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) error = last_error();
  if (std::fclose(file) != 0 && !error) error = last_error();
  if (error) give_up_writing(path, part, error);
}

}  // namespace detail

/// Writes a whole file or, on any failure, throws and leaves what was there.
[[gnu::cold]] inline void write_file(const std::string& path, std::span<const std::uint8_t> bytes) {
  check(!path.empty(), "expected the name of a file, found an empty one");
  const std::string part = path + ".part";
  detail::write_part(path, part, bytes);
  if (std::rename(part.c_str(), path.c_str()) != 0)
    detail::give_up_writing(path, part, detail::last_error());
}

inline void write_file(const std::string& path, std::string_view text) {
  write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace fovea::inline FOVEA_ABI
