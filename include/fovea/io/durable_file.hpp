// SPDX-License-Identifier: MIT
//
// Files that survive crashes, of the program and of the machine. The only header that asks the
// operating system (POSIX) for more than C++ does.
//
//   replace_durably("run.ckpt", bytes);      // the old content is run.ckpt.previous now
//   const FileLock lock("run.ckpt.lock");    // nobody else holds it while this object lives
//
// Writing takes five steps, and between any two of them run.ckpt is whole, old or new:
//
//   write run.ckpt.part                        a full disk ends here, and nothing is lost
//   fsync it                                   the bytes are on the disk, not only on their way
//   link run.ckpt to run.ckpt.previous         two names for the old content
//   rename run.ckpt.part to run.ckpt           atomic: one name, old or new content
//   fsync the directory                        the names are on the disk, too
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include "fovea/core/file.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

// A file descriptor, closed at the end.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags, 0644)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Returns when all that was written to the file, or the names in the directory, are on the disk.
inline std::error_code sync(const std::string& path) {
  const Descriptor file(path, O_RDONLY | O_CLOEXEC);
  if (file.get() >= 0 && ::fsync(file.get()) == 0) return {};
  return last_error();
}

// The content of `path` also gets the name path.previous.
inline std::error_code keep_previous(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return error;
  const std::string previous = path + ".previous", link = path + ".link";
  std::filesystem::remove(link, error);
  std::filesystem::create_hard_link(path, link, error);
  if (error) std::filesystem::copy_file(path, link, error);  // where there are no hard links
  if (!error) std::filesystem::rename(link, previous, error);
  std::error_code ignored;
  std::filesystem::remove(link, ignored);  // rename leaves it if both are one file already
  return error;
}

}  // namespace detail

/// Gives `path` new content; throws and leaves what was there if that cannot be. What was there stays
/// as path.previous.
inline void replace_durably(const std::string& path, std::span<const std::uint8_t> bytes) {
  const std::string part = path + ".part";
  detail::write_part(path, part, bytes);
  std::error_code error = detail::sync(part);
  if (!error) error = detail::keep_previous(path);
  if (!error) std::filesystem::rename(part, path, error);
  if (error) detail::give_up_writing(path, part, error);
  error = detail::sync(std::filesystem::absolute(path).parent_path());
  check(!error, path, ": is written, but its directory cannot be brought to the disk (",
        error.message(), ")");
}

/// Held by one process at a time, and given up when that process ends, however it ends. The file stays:
/// if it were removed, two processes could hold a lock on two files of one name.
class FileLock {
 public:
  /// Throws if another process holds it.
  explicit FileLock(const std::string& path) : file_(path, O_RDWR | O_CREAT | O_CLOEXEC) {
    check(file_.get() >= 0, path, ": cannot be opened for writing (",
          detail::last_error().message(), ")");
    check(::flock(file_.get(), LOCK_EX | LOCK_NB) == 0, path,
          ": expected a lock that nobody holds, found another process at work");
  }

 private:
  detail::Descriptor file_;
};

}  // namespace fovea::inline FOVEA_ABI
