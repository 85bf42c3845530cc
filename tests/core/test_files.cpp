// SPDX-License-Identifier: MIT
//
// Files, and what a path leads to that is none: links, pipes, devices, sockets, open descriptors.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "support.hpp"

using namespace test;
namespace fs = std::filesystem;

namespace files {

std::string text_at(const fs::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

::mode_t rights_of(const fs::path& path) {
  struct ::stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

// A descriptor that is what `path` leads to.
struct Open {
  Open(const fs::path& path, int flags) : number(::open(path.c_str(), flags, 0600)) {}
  ~Open() { ::close(number); }
  std::string name(const char* start = "/dev/fd/") const { return concat(start, number); }
  int number;
};

// A device like /dev/null (3) or /dev/full (7). Root gets one of its own, as code that is broken would replace the
// one of the machine; none where that is not allowed.
std::string device(const fs::path& directory, const char* name, unsigned minor) {
  const std::string path = ::geteuid() == 0 ? (directory / name).string() : concat("/dev/", name);
  if (::geteuid() == 0) ::mknod(path.c_str(), S_IFCHR | 0600, ::makedev(1, minor));
  if (Open(path, O_RDWR).number >= 0) return path;
  MESSAGE("not tried: there are no devices here");
  return "";
}

// What comes out of a pipe while `write` writes into it. That comes to an end, too, if nothing is written.
template <class F>
std::string through(const fs::path& fifo, F&& write) {
  std::string text;
  auto both_ends = std::make_unique<const Open>(fifo, O_RDWR);
  const Open end(fifo, O_RDONLY);
  std::thread reader([&] { text = text_at(end.name()); });
  const std::string error = error_of(write);
  both_ends.reset();
  reader.join();
  return error.empty() ? text : error;
}

}  // namespace files

TEST_CASE("files: whole or not at all") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a";
  write_file(path, "hello");
  CHECK(files::text_at(path) == "hello");
  write_file(path, "");
  CHECK(read_file(path).empty());
  CHECK(contains(error_of([&] { read_file(directory.path() / "b"); }), "found nothing"));
  CHECK(contains(error_of([&] { read_file(path / "b"); }), "found nothing"));
  CHECK(contains(error_of([&] { read_file(directory.path()); }), "found a directory"));
  write_file(path, "12345");
  CHECK(contains(error_of([&] { read_file(path, 4); }), "at most 4 bytes, found 5"));
  CHECK(contains(error_of([&] { write_file(directory.path() / "no" / "a", "x"); }),
                 "a: cannot be written (No such file or directory)"));
  CHECK(contains(error_of([&] { write_file(path / "below", "x"); }),
                 "below: cannot be written (Not a directory)"));
  fs::create_directory(directory.path() / "d");
  fs::create_directory(directory.path() / "d" / "full");
  CHECK(contains(error_of([&] { write_file(directory.path() / "d", "x"); }),
                 "d: cannot be written (Is a directory)"));
  CHECK(!fs::exists(directory.path() / "d.part"));
}

TEST_CASE("files: what ends half-way leaves what was there, and nothing beside it") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a", fresh = directory.path() / "new";
  write_file(path, "old");
  ::rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto action = std::signal(SIGXFSZ, SIG_IGN);
  const ::rlimit small{1000,
                       before.rlim_max};  // bytes of a file, as a disk that is full after them
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::vector<std::string> errors;
  for (const auto& place : {path, fresh})
    errors.push_back(error_of([&] { write_file(place, std::string(2000, 'x')); }));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, action);
  for (const std::string& error : errors)
    CHECK(contains(error, ": cannot be written (File too large)"));
  CHECK(files::text_at(path) == "old");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator{}) == 1);
}

TEST_CASE("files: of several writers, each writes all of it, and readers see one or the other") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a";
  write_file(path, "0");
  const auto rights = files::rights_of(path);
  const auto text_of = [](char letter) {
    return std::string(400'000 * static_cast<std::size_t>(letter - '0'), letter);
  };
  std::atomic<bool> done = false;
  std::atomic<int> written = 0, mixed = 0;
  std::mutex mutex;
  std::set<std::string> errors;
  const auto note = [&](const std::string& error) {
    const std::lock_guard lock(mutex);
    if (!error.empty()) errors.insert(error);
  };
  std::vector<std::thread> threads;
  for (const char letter : {'1', '2', '3'})
    threads.emplace_back([&, text = text_of(letter)] {
      for (int i = 0; i < 60; ++i) note(error_of([&] { write_file(path, text); }));
      ++written;
    });
  std::thread reader([&] {
    const auto look = [&] {
      const std::string text = files::text_at(path);
      mixed += text != "0" && (text.empty() || text[0] < '1' || text != text_of(text[0]));
    };
    while (!done) note(error_of(look));
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  reader.join();
  CHECK(written == 3);
  CHECK(mixed == 0);
  CHECK(files::rights_of(path) == rights);
  CHECK(errors == std::set<std::string>{});
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator{}) == 1);
}

TEST_CASE("files: what a crash left over goes, what another writer writes stays") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a";
  const auto text_of = [&](const char* name) { return files::text_at(directory.path() / name); };
  write_file(directory.path() / "a.part", "left over");
  write_file(path, "new");
  CHECK(files::text_at(path) == "new");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator{}) == 1);

  const std::string first = "first", second = "second";
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  detail::NewContent a(path, bytes(first)), b(path, bytes(second));
  CHECK((a.part() == path.string() + ".part" && b.part() == path.string() + ".1.part"));
  CHECK((text_of("a.part") == "first" && text_of("a.1.part") == "second"));
  write_file(path, "third");
  CHECK((text_of("a") == "third" && text_of("a.part") == "first"));
  b.put();
  CHECK((text_of("a") == "second" && text_of("a.part") == "first"));
  a.put();
  CHECK(text_of("a") == "first");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator{}) == 1);
}

TEST_CASE("files: a link stays, and what it leads to is written") {
  const TemporaryDirectory directory;
  const auto at = [&](const char* name) { return directory.path() / name; };
  fs::create_directory(at("far"));
  const auto is_link = [&](const char* name) { return fs::is_symlink(at(name)); };

  write_file(at("far") / "file", "old");
  fs::create_symlink("far/file", at("relative"));
  fs::create_symlink(at("far") / "file", at("absolute"));
  fs::create_symlink("relative", at("link to a link"));
  fs::create_directory_symlink("far", at("directory"));
  int count = 0;
  for (const char* const name : {"relative", "absolute", "link to a link", "directory/file"}) {
    CAPTURE(name);
    const std::string text = concat("new ", count++);
    write_file(at(name), text);
    CHECK(files::text_at(at("far") / "file") == text);
    CHECK((is_link("relative") && is_link("absolute") && is_link("link to a link")));
  }
  // One that leads to nothing yet: the file is made where it leads.
  fs::create_symlink("far/new", at("dangling"));
  write_file(at("dangling"), "made");
  CHECK(is_link("dangling"));
  CHECK(files::text_at(at("far") / "new") == "made");
  fs::create_symlink("nowhere/new", at("lost"));
  CHECK(contains(error_of([&] { write_file(at("lost"), "x"); }),
                 "lost: cannot be written (No such file or directory)"));
  fs::create_symlink("loop2", at("loop1"));
  fs::create_symlink("loop1", at("loop2"));
  CHECK(contains(error_of([&] { write_file(at("loop1"), "x"); }),
                 "loop1: cannot be written (Too many levels of symbolic links)"));
  fs::create_directory_symlink("far", at("to a directory"));
  CHECK(contains(error_of([&] { write_file(at("to a directory"), "x"); }), "(Is a directory)"));
  for (const char* const name : {"lost", "loop1", "loop2", "to a directory"}) CHECK(is_link(name));
  CHECK(!fs::exists(at("far") / "file.part"));

  // Beside the file, what is called FILE.part is replaced, not written into.
  write_file(at("precious"), "precious");
  fs::create_symlink("precious", at("a.part"));
  write_file(at("a"), "a");
  CHECK(files::text_at(at("precious")) == "precious");
  CHECK(files::text_at(at("a")) == "a");
  CHECK(!is_link("a"));
}

TEST_CASE("files: a pipe, a device, a socket stay what they are") {
  const TemporaryDirectory directory;
  const auto fifo = directory.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(what_is_at(fifo) == "a pipe");
  const std::string much(1 << 20, 'x');  // more than a pipe holds at once
  CHECK(files::through(fifo, [&] { write_file(fifo, much); }) == much);
  fs::create_symlink("fifo", directory.path() / "link");
  CHECK(files::through(fifo, [&] { write_file(directory.path() / "link", "two"); }) == "two");
  CHECK(files::through(fifo, [&] { write_file(fifo, ""); }).empty());
  CHECK(what_is_at(fifo) == "a pipe");
  CHECK(!fs::exists(directory.path() / "fifo.part"));

  const std::string null = files::device(directory.path(), "null", 3),
                    full = files::device(directory.path(), "full", 7);
  if (!null.empty() && !full.empty()) {
    CHECK(what_is_at(null) == "a device");
    write_file(null, "gone");
    CHECK(read_file(null).empty());
    CHECK(contains(error_of([&] { write_file(full, "x"); }),
                   "full: cannot be written (No space left on device)"));
    CHECK(error_of([&] { write_file(full, ""); }).empty());
    fs::create_symlink(full, directory.path() / "to full");
    CHECK(contains(error_of([&] { write_file(directory.path() / "to full", "x"); }),
                   "No space left"));
    CHECK((what_is_at(null) == "a device" && what_is_at(full) == "a device"));
  }

  const auto name = directory.path() / "socket";
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(name.string().size() < sizeof address.sun_path);
  name.string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0);
  CHECK(contains(error_of([&] { write_file(name, "x"); }), "socket: cannot be written (a socket)"));
  CHECK(contains(error_of([&] { read_file(name); }), "socket: expected a file, found a socket"));
  CHECK(what_is_at(name) == "a socket");
  ::close(socket);
}

TEST_CASE("files: the descriptors of this process, by name") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a";
  write_file(path, "0123456789");
  {
    // Where the descriptor is, and what was there before stays.
    const files::Open file(path, O_RDWR | O_APPEND);
    write_file(file.name(), "ab");
    write_file(file.name("/proc/self/fd/"), "cd");
    fs::create_symlink(file.name(), directory.path() / "link");
    write_file(directory.path() / "link", "ef");
    CHECK(files::text_at(path) == "0123456789abcdef");
    char text[4];
    REQUIRE(::pread(file.number, text, 4, 0) == 4);
    REQUIRE(::lseek(file.number, 8, SEEK_SET) == 8);
    CHECK(files::text_at(file.name()) == "89abcdef");  // from where it is
  }
  const files::Open readable(path, O_RDONLY);
  CHECK(contains(error_of([&] { write_file(readable.name(), "x"); }), "(Bad file descriptor)"));
  CHECK(contains(error_of([&] { write_file("/dev/fd/9999", "x"); }), "(Bad file descriptor)"));
  CHECK(contains(error_of([&] { read_file("/dev/fd/9999"); }), "(Bad file descriptor)"));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  write_file(concat("/dev/fd/", ends[1]), "through");
  ::close(ends[1]);
  CHECK(files::text_at(concat("/proc/self/fd/", ends[0])) == "through");
  ::close(ends[0]);
  // The file of another process's descriptor is written, not replaced: its text may lead nowhere.
  const files::Open gone(directory.path() / "gone", O_RDWR | O_CREAT);
  fs::remove(directory.path() / "gone");
  const std::string name = concat("/proc/", static_cast<long>(::getpid()), "/fd/", gone.number);
  write_file(name, "longer");
  write_file(name, "new");
  CHECK(files::text_at(name) == "new");
  // Names that only look like these are names of files.
  for (const char* const other : {"/dev/fd/", "/dev/fd/1x", "/dev/fd/-1", "/dev/stdoutx"})
    CHECK(detail::descriptor_named(other) == -1);
  CHECK(detail::descriptor_named("/dev/fd/63") == 63);
  CHECK(detail::descriptor_named("/dev/fd/99999999999999999999") == -1);
}

TEST_CASE("files: a file keeps its rights, its owner and its other names") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a";
  const ::mode_t mask = ::umask(027);
  write_file(path, "new");
  ::umask(mask);
  CHECK(files::rights_of(path) == 0640);  // as of any new file
  for (const ::mode_t rights : {0600u, 0664u, 0755u, 0222u}) {
    REQUIRE(::chmod(path.c_str(), rights) == 0);
    write_file(path, "again");
    CHECK(files::rights_of(path) == rights);
  }
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  fs::create_hard_link(path, directory.path() / "other");
  write_file(path, "changed");
  CHECK(files::text_at(directory.path() / "other") == "again");
  CHECK(files::text_at(path) == "changed");

  // Without the right to write into a file, a process may not replace it; root may, as with cp.
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  const std::string error = error_of([&] { write_file(path, "by root"); });
  if (::geteuid() != 0) {
    CHECK(contains(error, "a: cannot be written (Permission denied)"));
    CHECK(files::text_at(path) == "changed");
  } else {
    CHECK(error.empty());
    CHECK(files::text_at(path) == "by root");
    REQUIRE(::chown(path.c_str(), 12345, 23456) == 0);
    write_file(path, "whose");
    struct ::stat status;
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_uid == 12345 && status.st_gid == 23456));
  }
  CHECK(files::rights_of(path) == 0444);
}

#ifdef __linux__
TEST_CASE("files: a file keeps its access control list") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a";
  write_file(path, "old");
  // Version 2; then tag, rights, number: owner rw, user 12345 r, group nothing, mask r, others nothing.
  const std::uint16_t entries[][2]{{1, 6}, {2, 4}, {4, 0}, {16, 4}, {32, 0}};
  Bytes list{2, 0, 0, 0};
  for (const auto& [tag, rights] : entries) {
    list.insert(list.end(),
                {static_cast<std::uint8_t>(tag), 0, static_cast<std::uint8_t>(rights), 0});
    const std::uint32_t number = tag == 2 ? 12345 : 0xffffffff;
    for (int shift = 0; shift < 32; shift += 8)
      list.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  constexpr auto name = "system.posix_acl_access";
  if (::setxattr(path.c_str(), name, list.data(), list.size(), 0) != 0) {
    MESSAGE("not tried: this file system has no access control lists");
    return;
  }
  write_file(path, "new");
  Bytes kept(1000);
  const auto size = ::getxattr(path.c_str(), name, kept.data(), kept.size());
  kept.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  CHECK(kept == list);
  CHECK(files::text_at(path) == "new");
}
#endif

TEST_CASE("files: what has no size is read to its end, and no further than the limit") {
  const TemporaryDirectory directory;
  const auto fifo = directory.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const auto from_pipe = [&](std::size_t size, auto&& read) {
    std::thread writer([&] {
      const files::Open end(fifo, O_WRONLY);
      const std::string text(size, 'x');
      for (std::size_t at = 0; at < size; at += 1000)  // in pieces
        if (::write(end.number, text.data(), std::min<std::size_t>(1000, size - at)) < 0) break;
    });
    const std::string error = error_of(read);
    const files::Open end(fifo, O_RDWR);  // if it was never opened, the writer still waits
    writer.join();
    return error;
  };
  for (const std::size_t size : {0u, 1u, 65536u, 65537u, 300000u})
    CHECK(from_pipe(size, [&] { CHECK(read_file(fifo).size() == size); }).empty());
  CHECK(from_pipe(1000, [&] { CHECK(read_file(fifo, 1000).size() == 1000); }).empty());
  CHECK(contains(from_pipe(1001, [&] { read_file(fifo, 1000); }),
                 "fifo: expected at most 1000 bytes, found more"));
  CHECK(from_pipe(10, [&] {
          InputFile file(fifo);
          CHECK(file.size() == 10);
          CHECK(file.read(3) == Bytes(3, 'x'));
          CHECK(file.read(7) == Bytes(7, 'x'));
          CHECK(file.read(0).empty());
          CHECK(contains(error_of([&] { file.read(1); }), "cannot be read to its end"));
        }).empty());
  CHECK(contains(error_of([] { read_file("/dev/zero", 100'000); }),
                 "at most 100000 bytes, found more"));
  CHECK(!read_file("/proc/self/status").empty());  // whose size is 0, as the system has it
  CHECK(contains(error_of([] { InputFile file("/proc/self/mem"); }),
                 "/proc/self/mem: cannot be read"));
}

TEST_CASE("files: a name with control characters stays one line in a sentence") {
  const TemporaryDirectory directory;
  const std::string name = directory.path() / "a\nb\033[2J%s\xff";
  const std::string shown = directory.path() / "a?b?[2J%s\xff";
  CHECK(error_of([&] { read_file(name); }) == shown + ": expected a file, found nothing");
  write_file(name, "x");
  CHECK(files::text_at(name) == "x");
  CHECK(error_of([&] { write_file(name + "/y\n", "x"); }) ==
        shown + "/y?: cannot be written (Not a directory)");
  const std::string longest = directory.path() / std::string(250, 'n');
  write_file(longest, "x");
  CHECK(files::text_at(longest) == "x");
}
