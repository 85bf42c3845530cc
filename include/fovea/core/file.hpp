// SPDX-License-Identifier: MIT
//
// Whole files in, whole files out. A file is written beside its place and then renamed into it, so
// that a reader, or a crash, never sees half of one.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a file holds.
using Bytes = std::vector<std::uint8_t>;

namespace detail {
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
}  // namespace detail

/// A file to read from its beginning, piece by piece.
class InputFile {
 public:
  /// Opens it; throws unless it is a file that can be read.
  [[gnu::cold]] explicit InputFile(const std::filesystem::path& path) : name_(path.string()) {
    check(!path.empty(), "expected the name of a file, found an empty one");
    check(std::filesystem::is_regular_file(path), name_, ": expected a file, found ",
          std::filesystem::is_directory(path) ? "a directory"
          : std::filesystem::exists(path)     ? "something else"
                                              : "nothing");
    size_ = static_cast<std::size_t>(std::filesystem::file_size(path));
    file_.reset(std::fopen(path.c_str(), "rb"));
    check(file_ != nullptr, name_, ": cannot be opened for reading");
  }

  /// In bytes, when it was opened.
  std::size_t size() const { return size_; }
  const std::string& name() const { return name_; }

  /// The next `count` bytes.
  [[gnu::cold]] Bytes read(std::size_t count) {
    Bytes bytes(count);
    check(std::fread(bytes.data(), 1, count, file_.get()) == count, name_,
          ": cannot be read to its end");
    return bytes;
  }

 private:
  std::string name_;
  std::size_t size_ = 0;
  std::unique_ptr<std::FILE, detail::CloseFile> file_;
};

/// The content of a file of at most `limit` bytes.
[[gnu::cold]] inline Bytes read_file(const std::filesystem::path& path,
                                     std::size_t limit = std::size_t{1} << 30) {
  InputFile file(path);
  check(file.size() <= limit, file.name(), ": expected at most ", limit, " bytes, found ",
        file.size());
  return file.read(file.size());
}

namespace detail {

inline std::filesystem::path with_ending(std::filesystem::path path, const char* ending) {
  return path += ending;
}

// Ends a failed attempt to write `path`: what was written of `part` goes.
[[noreturn, gnu::cold]] inline void give_up_writing(const std::filesystem::path& path,
                                                    const std::filesystem::path& part,
                                                    std::error_code why) {
  std::error_code ignored;
  std::filesystem::remove(part, ignored);
  fail(path.string(), ": cannot be written (", why.message(), ")");
}

// Writes all of `part`, which is to become `path`.
[[gnu::cold]] inline void write_part(const std::filesystem::path& path,
                                     const std::filesystem::path& part,
                                     std::span<const std::uint8_t> bytes) {
  const auto reason = [] { return std::error_code(errno, std::generic_category()); };
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(part.c_str(), "wb"));
  if (!file)  // nothing was written, so what is there is not ours to remove
    fail(path.string(), ": cannot be written (", reason().message(), ")");
  std::error_code error;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) error = reason();
  if (std::fclose(file.release()) != 0 && !error) error = reason();
  if (error) give_up_writing(path, part, error);
}

}  // namespace detail

/// Writes a whole file or, on any failure, throws and leaves what was there.
[[gnu::cold]] inline void write_file(const std::filesystem::path& path,
                                     std::span<const std::uint8_t> bytes) {
  const auto part = detail::with_ending(path, ".part");
  detail::write_part(path, part, bytes);
  std::error_code error;
  std::filesystem::rename(part, path, error);
  if (error) detail::give_up_writing(path, part, error);
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace fovea::inline FOVEA_ABI
