// SPDX-License-Identifier: MIT
//
// Files that survive crashes, of the program and of the machine.
//
//   replace_durably("run.ckpt", bytes);      // the old content is run.ckpt.previous now
//   const FileLock lock("run.ckpt.lock");    // no other process holds it while this object lives
//
// Writing takes five steps, and between any two of them run.ckpt is whole, old or new:
//
//   write run.ckpt.part                        a full disk ends here, and nothing is lost
//   fsync it                                   the bytes are on the disk, not only on their way
//   link run.ckpt to run.ckpt.previous         two names for the old content
//   rename run.ckpt.part to run.ckpt           atomic: one name, old or new content
//   fsync the directory                        the names are on the disk, too
#pragma once

#include <filesystem>

#include "fovea/core/file.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

// Returns when all that was written to the file, or the names in the directory, are on the disk.
inline std::error_code sync(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() >= 0 && ::fsync(file.get()) == 0) return {};
  return last_error();
}

// The content of `path` also gets the name path.previous, by way of `link`.
inline std::error_code keep_previous(const std::string& path, const std::string& link) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return error;
  const std::string previous = path + ".previous";
  std::filesystem::remove(link, error);
  std::filesystem::create_hard_link(path, link, error);
  if (error) std::filesystem::copy_file(path, link, error);  // where there are no hard links
  if (!error) std::filesystem::rename(link, previous, error);
  std::error_code ignored;
  std::filesystem::remove(link, ignored);  // rename leaves it if both are one file already
  return error;
}

}  // namespace detail

/// Gives the file at `path`, or at the end of its links, new content; throws and leaves what was
/// there if that cannot be. What was there stays as FILE.previous.
inline void replace_durably(const std::string& path, std::span<const std::uint8_t> bytes) {
  const auto found = what_is_at(path);
  check(found == "a file" || found == "nothing" || found == "a directory", path,
        ": expected a file to write over, or nothing, found ", found);
  detail::NewContent content(path, bytes);
  std::error_code error = detail::sync(content.part());
  if (!error) error = detail::keep_previous(content.path(), content.beside() + ".link");
  if (error) content.fail_with(error);
  content.put();
  error = detail::sync(std::filesystem::absolute(content.path()).parent_path());
  check(!error, path, ": is written, but its directory cannot be brought to the disk (",
        error.message(), ")");
}

/// Held by one process at a time, and given up when that process ends, however it ends. The file
/// stays: if it were removed, two processes could hold a lock on two files of one name.
class FileLock {
 public:
  /// Throws if another process holds it.
  explicit FileLock(const std::string& path) : file_(path, O_RDWR | O_CREAT) {
    check(file_.get() >= 0, path, ": cannot be opened for writing (",
          detail::last_error().message(), ")");
    const std::error_code error = file_.lock();
    check(!error, path, ": expected a free lock, found ",
          error == std::errc::operation_would_block
              ? std::string("one that another process holds")
              : concat("that there are none here (", error.message(), ")"));
  }

 private:
  detail::Descriptor file_;
};

}  // namespace fovea::inline FOVEA_ABI
