// SPDX-License-Identifier: MIT
//
// A file descriptor of POSIX that closes itself, and the few calls on it that the library needs.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "fovea/core/abi.hpp"

namespace fovea::inline FOVEA_ABI::detail {

inline std::error_code last_error() { return {errno, std::generic_category()}; }

// The number of the open descriptor that a path names, or -1: /dev/stdout, /dev/fd/63.
[[gnu::cold]] inline int descriptor_named(std::string_view path) {
  constexpr std::string_view streams[]{"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (int i = 0; i < 3; ++i)
    if (path == streams[i]) return i;
  for (const std::string_view start : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(start)) continue;
    const std::string_view digits = path.substr(start.size());
    int number = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9' || number > 99'999) return -1;
      number = 10 * number + (c - '0');
    }
    if (!digits.empty()) return number;
  }
  return -1;
}

// A file descriptor, closed at the end; 3 or more, so that no file gets what a program prints after
// its standard output was closed. That of /dev/fd/63 is the same open file as 63.
class Descriptor {
 public:
  Descriptor() = default;
  [[gnu::cold]] Descriptor(const std::string& path, int flags, ::mode_t mode = 0666) {
    const int named = descriptor_named(path);
    fd_ = named < 0 ? ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode) : named;
    if (fd_ < 0 || (named < 0 && fd_ > 2)) return;
    const int low = std::exchange(fd_, ::fcntl(fd_, F_DUPFD_CLOEXEC, 3));
    if (named < 0) ::close(low);
  }
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

  // Some errors of writing come to light here.
  std::error_code close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0 ? std::error_code() : last_error();
  }

  // Another descriptor of the same open file, which also keeps its lock.
  [[gnu::cold]] Descriptor duplicate() const {
    Descriptor copy;
    copy.fd_ = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
    return copy;
  }

  // Locks the file; EWOULDBLOCK if it is locked already by way of another open file. The lock ends
  // with the last descriptor of this one.
  [[gnu::cold]] std::error_code lock() const {
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0)
      if (errno != EINTR) return last_error();
    return {};
  }

  // Whether `path`, and not by a link, is a name of this file.
  [[gnu::cold]] bool is_at(const std::string& path) const {
    struct ::stat own, other;
    return ::fstat(fd_, &own) == 0 && ::lstat(path.c_str(), &other) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
  }

  // Reads until `bytes` is full or the file ends; how many there were, or -1.
  [[gnu::cold]] std::ptrdiff_t read(std::span<std::uint8_t> bytes) const {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const auto count = ::read(fd_, bytes.data() + filled, bytes.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return -1;
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    return static_cast<std::ptrdiff_t>(filled);
  }

  [[gnu::cold]] std::error_code write(std::span<const std::uint8_t> bytes) const {
    while (!bytes.empty()) {
      const auto count = ::write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) return last_error();
      if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

 private:
  int fd_ = -1;
};

}  // namespace fovea::inline FOVEA_ABI::detail
