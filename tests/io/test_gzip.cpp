// SPDX-License-Identifier: MIT
#include "fovea/io/gzip.hpp"
#include "support.hpp"

using namespace test;

namespace {

Bytes gzip(const Bytes& plain) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed(plain.size() + 1000);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

Bytes noise(std::size_t n) {
  Rng rng{1};
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(7));
  return bytes;
}

}  // namespace

TEST_CASE("gzip: back as it was") {
  for (const std::size_t n : {0u, 1u, 1000u, 300000u})
    CHECK(gunzip(gzip(noise(n)), 1 << 20, "f") == noise(n));
  const Bytes zeros(1 << 20);
  CHECK(gunzip(gzip(zeros), 1 << 20, "f") == zeros);
}

TEST_CASE("gzip: corrupt, truncated, trailing, too large, lying about its length") {
  const Bytes good = gzip(noise(5000));
  const auto error = [](const Bytes& b, std::size_t limit = 1 << 20) {
    return error_of([&] { gunzip(b, limit, "f"); });
  };
  CHECK(error(good) == "");
  for (std::size_t n = 0; n < good.size(); n += 97) {
    const Bytes cut(good.begin(), good.begin() + static_cast<Index>(n));
    CHECK(contains(error(cut), "f: expected"));
  }
  for (std::size_t n = 10; n < good.size(); n += 31) {
    Bytes flipped = good;
    flipped[n] ^= 0x55;
    CHECK(error(flipped) != "");  // the checksum, at the latest
  }
  Bytes longer = good;
  longer.push_back(1);
  CHECK(contains(error(longer), "found 1 bytes"));
  CHECK(contains(error(good, 4999), "at most 4999 bytes when unpacked"));
  CHECK(error(good, 5000) == "");
  // A small bomb: refused when it becomes too large, not when all of it is in memory.
  CHECK(
      contains(error(gzip(Bytes(1 << 22)), 1000), "at most 1000 bytes when unpacked, found more"));
  Bytes bad_magic = good;
  bad_magic[0] = 0;
  CHECK(contains(error(bad_magic), "corrupt"));
}

TEST_CASE("gzip: several members are one file, zeros after the last one are none") {
  const auto joined = [](std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const auto error = [](const Bytes& packed, std::size_t limit = 1 << 20) {
    return error_of([&] { gunzip(packed, limit, "f"); });
  };
  const Bytes a = noise(5000), b = noise(300000), none;
  const Bytes first = gzip(a), second = gzip(b), empty = gzip(none), zeros(1000);
  CHECK(gunzip(joined({first, second}), 1 << 20, "f") == joined({a, b}));
  CHECK(gunzip(joined({second, first, first}), 1 << 20, "f") == joined({b, a, a}));
  CHECK(gunzip(joined({empty, first, empty}), 1 << 20, "f") == a);
  CHECK(gunzip(joined({empty, empty}), 0, "f").empty());
  CHECK(gunzip(joined({first, Bytes(1)}), 1 << 20, "f") == a);
  CHECK(gunzip(joined({first, second, zeros}), 1 << 20, "f") == joined({a, b}));
  // The limit is of all members together.
  CHECK(error(joined({first, first}), 10000) == "");
  CHECK(contains(error(joined({first, first}), 9999), "at most 9999 bytes when unpacked"));
  CHECK(contains(error(joined({first, empty}), 4999), "at most 4999 bytes when unpacked"));
  // Each member is whole, and nothing but members and zeros may come.
  for (std::size_t n = 2; n < empty.size(); ++n)
    CHECK(contains(
        error(joined({first, Bytes(empty.begin(), empty.begin() + static_cast<Index>(n))})),
        "found one that ends early"));
  CHECK(contains(error(joined({first, Bytes{0x1f}})), "found 1 bytes"));
  CHECK(contains(error(joined({first, zeros, second})), "expected nothing after the gzip data"));
  CHECK(
      contains(error(joined({first, Bytes{'x'}, second})), "expected nothing after the gzip data"));
  Bytes bad = second;
  bad[bad.size() - 5] ^= 1;  // of its checksum
  CHECK(contains(error(joined({first, bad})), "corrupt"));
  bad = second;
  bad.back() ^= 1;  // of its length
  CHECK(contains(error(joined({first, bad, second})), "corrupt"));
}

TEST_CASE("gzip: load_mnist reads what is packed and what is not") {
  const TemporaryDirectory directory;
  const auto put = [&](const std::string& name, Bytes bytes, bool pack) {
    write_file(directory.path() / (name + (pack ? ".gz" : "")), pack ? gzip(bytes) : bytes);
  };
  Bytes images{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 77, 78};
  Bytes labels{0, 0, 8, 1, 0, 0, 0, 1, 5};
  put("train-images-idx3-ubyte", images, true);
  put("train-labels.idx1-ubyte", labels, true);
  put("t10k-images-idx3-ubyte", images, false);
  put("t10k-labels-idx1-ubyte", labels, true);
  const auto data = load_mnist(directory.path(), read_file_or_gzip);
  CHECK(data.train.images(0, 0, 0, 1) == 78);
  CHECK(data.test.labels(0) == 5);
  write_file(directory.path() / "train-labels.idx1-ubyte.gz", labels);
  CHECK(contains(error_of([&] { load_mnist(directory.path(), read_file_or_gzip); }),
                 "expected a gzip file"));
}
