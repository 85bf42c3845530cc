// SPDX-License-Identifier: MIT
//
// Whole files in, whole files out. A file is written under another name and then renamed, so
// that a reader, or a crash, never sees half of one. Of several writers, each has a name of its own
// until then, and the last one to rename wins.
//
// What a name leads to stays what it is: links are followed, bytes go into a pipe or a device, a
// file keeps its owner and rights. Another name of it, a hard link, keeps the content of before.
#pragma once

#include <sys/stat.h>
#ifdef __linux__
#  include <sys/xattr.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fovea/core/check.hpp"
#include "fovea/core/descriptor.hpp"

namespace fovea::inline FOVEA_ABI {
/// What a file holds.
using Bytes = std::vector<std::uint8_t>;

namespace detail {

[[gnu::cold]] inline std::string_view kind_of(::mode_t mode) {
  if (S_ISREG(mode)) return "a file";
  if (S_ISDIR(mode)) return "a directory";
  return S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

}  // namespace detail

/// What a path leads to, in words for an error message: "a file", "a directory", "a pipe", "a
/// socket", "a device" or "nothing".
[[gnu::cold]] inline std::string_view what_is_at(const std::string& path) {
  struct ::stat status;
  return ::stat(path.c_str(), &status) == 0 ? detail::kind_of(status.st_mode) : "nothing";
}

/// `count` bytes of memory; `name` is for the error if they cannot be had.
[[gnu::cold]] inline Bytes make_bytes(std::size_t count, std::string_view name) {
  try {
    return Bytes(count);
  } catch (const std::exception&) {  // bad_alloc, or length_error
    fail(name, ": ", count, " bytes do not fit into memory");
  }
}

/// A file to read from its beginning, block by block.
class InputFile {
 public:
  /// Opens it; throws unless it can be read and has at most `limit` bytes. A pipe or a device does
  /// not know its size, so it is read to its end at once, of at most 1 GiB.
  [[gnu::cold]] explicit InputFile(const std::string& path, std::size_t limit = SIZE_MAX)
      : name_(detail::descriptor_named(path) == 0 ? "standard input" : one_line(path)),
        file_(path, O_RDONLY) {
    check(!path.empty(), "expected the name of a file, found an empty one");
    struct ::stat status;
    if (file_.get() < 0 || ::fstat(file_.get(), &status) != 0) {
      const auto why = detail::last_error();
      const bool none = why.value() == ENOENT || why.value() == ENOTDIR;
      const auto found = none ? "nothing" : what_is_at(path);
      check(!none && found != "a socket", name_, ": expected a file, found ", found);
      fail(name_, ": cannot be opened for reading (", why.message(), ")");
    }
    check(!S_ISDIR(status.st_mode), name_, ": expected a file, found a directory");
    size_ = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size_ == 0 || detail::descriptor_named(path) >= 0)
      read_to_end(std::min(limit, std::size_t{1} << 30));
    check(size_ <= limit, name_, ": expected at most ", limit, " bytes, found ", size_);
  }

  /// In bytes, when it was opened.
  std::size_t size() const { return size_; }
  /// As errors have it.
  const std::string& name() const { return name_; }

  /// The next `count` bytes.
  [[gnu::cold]] Bytes read(std::size_t count) {
    if (is_held_ && count == held_.size()) return std::exchange(held_, {});
    Bytes bytes = make_bytes(count, name_);
    std::ptrdiff_t found = 0;
    if (is_held_) {
      const auto rest = std::span(held_).subspan(at_);
      found =
          std::copy_n(rest.begin(), std::min(count, rest.size()), bytes.begin()) - bytes.begin();
      at_ += static_cast<std::size_t>(found);
    } else {
      found = file_.read(bytes);
    }
    check(found == static_cast<std::ptrdiff_t>(count), name_, ": cannot be read to its end");
    return bytes;
  }

 private:
  // Files of /proc have content, but a size of 0, so it is the reading that tells.
  [[gnu::cold]] void read_to_end(std::size_t limit) {
    is_held_ = true;
    for (size_ = 0;;) {
      held_.resize(std::min(std::max<std::size_t>(2 * size_, 1 << 16), limit + 1));
      const auto found = file_.read(std::span(held_).subspan(size_));
      check(found >= 0, name_, ": cannot be read (", detail::last_error().message(), ")");
      size_ += static_cast<std::size_t>(found);
      check(size_ <= limit, name_, ": expected at most ", limit, " bytes, found more");
      if (size_ < held_.size()) break;
    }
    held_.resize(size_);
  }

  std::string name_;
  detail::Descriptor file_;
  std::size_t size_ = 0;
  Bytes held_{};        // all of a pipe,
  std::size_t at_ = 0;  // of which so much was read
  bool is_held_ = false;
};

/// The content of a file of at most `limit` bytes.
[[gnu::cold]] inline Bytes read_file(const std::string& path,
                                     std::size_t limit = std::size_t{1} << 30) {
  InputFile file(path, limit);
  return file.read(file.size());
}

namespace detail {

// What is at the end of the links that begin at `path`. Those in /proc lead to open files, whatever
// their texts say.
[[gnu::cold]] inline std::string behind_links(std::string path) {
  for (int links = 0; links < 40 && descriptor_named(path) < 0; ++links) {
    char text[4096];
    const auto length = path.starts_with("/proc/") ? -1 : ::readlink(path.c_str(), text, 4096);
    if (length < 0) break;
    const std::string target(text, static_cast<std::size_t>(length));
    path = target.starts_with('/') ? target : path.substr(0, path.rfind('/') + 1) + target;
  }
  return path;  // more links than that are an error of the system (ELOOP) when it is opened
}

// Gives `to` owner, group (no rights if that fails) and rights of `from`, which it replaces.
[[gnu::cold]] inline void copy_rights(int from, const struct ::stat& status, int to) {
  [[maybe_unused]] const bool owner = ::fchown(to, status.st_uid, static_cast<::gid_t>(-1)) == 0;
  const bool group = ::fchown(to, static_cast<::uid_t>(-1), status.st_gid) == 0;
  ::fchmod(to, status.st_mode & (group ? 0777 : 0707));
#ifdef __linux__
  constexpr auto list = "system.posix_acl_access";
  Bytes acl(1 << 16);
  const auto size = group ? ::fgetxattr(from, list, acl.data(), acl.size()) : 0;
  if (size > 0) ::fsetxattr(to, list, acl.data(), static_cast<std::size_t>(size), 0);
#endif
}

// New content: written at once into what is no file, else into a file that `put` renames.
class NewContent {
 public:
  [[gnu::cold]] NewContent(const std::string& name, std::span<const std::uint8_t> bytes)
      : name_(one_line(name)), path_(behind_links(name)) {
    check(!name.empty(), "expected the name of a file, found an empty one");
    Descriptor old(path_, O_WRONLY);
    const bool is_new = old.get() < 0 && errno == ENOENT;
    struct ::stat status {};
    if (!is_new && (old.get() < 0 || ::fstat(old.get(), &status) != 0)) fail_with(last_error());
    const bool open_already = descriptor_named(path_) >= 0;
    if (!is_new && (!S_ISREG(status.st_mode) || open_already || path_.starts_with("/proc/"))) {
      std::fflush(nullptr);  // so that text printed earlier comes first
      std::error_code error;
      if (S_ISREG(status.st_mode) && !open_already && ::ftruncate(old.get(), 0) != 0)
        error = last_error();
      if (!error) error = old.write(bytes);
      if (const auto closing = old.close(); !error) error = closing;
      if (error) fail_with(error);
      return;
    }
    open_part(is_new ? 0666 : 0600);
    std::error_code error = part_.write(bytes);
    if (!is_new) copy_rights(old.get(), status, part_.get());
    // Some errors come to light when a descriptor is closed: a second one, as this keeps the lock.
    if (!error) error = part_.duplicate().close();
    if (error) fail_with(error);
  }

  const std::string& path() const { return path_; }  // with all links resolved
  // The name of the new file until `put`, but for ".part": FILE, or FILE.1 and so on.
  const std::string& beside() const { return beside_; }
  std::string part() const { return beside_ + ".part"; }

  [[gnu::cold]] void put() {
    if (part_.get() >= 0 && !part_.is_at(part()))
      fail_with(std::make_error_code(std::errc::device_or_resource_busy));
    if (part_.get() >= 0 && std::rename(part().c_str(), path_.c_str()) != 0)
      fail_with(last_error());
    part_.close();
  }

  // Ends a failed attempt: what was written beside goes.
  [[noreturn, gnu::cold]] void fail_with(std::error_code why) const {
    if (part_.get() >= 0) std::remove(part().c_str());
    const bool socket = why.value() == ENXIO && what_is_at(path_) == "a socket";
    fail(name_, ": cannot be written (", socket ? "a socket" : why.message(), ")");
  }

 private:
  // Makes an empty file for this writer alone: FILE.part, or while others write the same FILE,
  // FILE.1.part and so on. A writer holds a lock on its own until that has its final name, so a
  // file that is not locked is left over from a crash, and removed. Only the holder of its lock
  // renames or removes a file, so what the name leads to is compared once the lock is held.
  [[gnu::cold]] void open_part(::mode_t mode) {
    for (int number = 0, attempts = 0; attempts < 10'000; ++attempts) {
      beside_ = number == 0 ? path_ : concat(path_, ".", number);
      Descriptor file(part(), O_WRONLY | O_CREAT | O_EXCL, mode);
      const bool is_new = file.get() >= 0;
      if (!is_new && errno != EEXIST) fail_with(last_error());
      if (!is_new) file = Descriptor(part(), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
      const int why = file.get() < 0 ? errno : 0;
      if (why == ENOENT) continue;
      const std::error_code lock = why == 0 ? file.lock() : std::error_code();
      // Where a file system has no locks, a file that is there may be another writer's.
      if (why == EACCES || lock == std::errc::operation_would_block || (lock && !is_new)) {
        ++number;
        continue;
      }
      if (why == 0 && !file.is_at(part())) continue;
      if (is_new) {
        part_ = std::move(file);
        return;
      }
      if (why != 0 && why != ELOOP && why != EMLINK && why != ENXIO)
        fail_with({why, std::generic_category()});
      // A link or a file of this name is not ours to write into.
      if (::unlink(part().c_str()) != 0 && errno != ENOENT) fail_with(last_error());
    }
    fail_with(std::make_error_code(std::errc::device_or_resource_busy));
  }

  std::string name_, path_, beside_{};
  Descriptor part_{};
};

}  // namespace detail

/// Writes a whole file or, on any failure, throws and leaves what was there. Into a pipe or a
/// device the bytes go at once.
[[gnu::cold]] inline void write_file(const std::string& path, std::span<const std::uint8_t> bytes) {
  detail::NewContent(path, bytes).put();
}

inline void write_file(const std::string& path, std::string_view text) {
  write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace fovea::inline FOVEA_ABI
