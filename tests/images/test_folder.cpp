// SPDX-License-Identifier: MIT
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <map>

#include "fovea/images/image_folder.hpp"
#include "write_images.hpp"

using namespace test;

namespace {

// A folder of its own: files by their paths below it.
struct Folder {
  TemporaryDirectory directory{};
  std::string root = directory.path().string();

  std::string at(const std::string& path) const { return root + "/" + path; }
  void add(const std::string& path, const Bytes& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(at(path)).parent_path());
    write_file(at(path), bytes);
  }
};

// A picture of one colour.
Bytes plain_png(std::uint8_t level) {
  return png_file(4, 4, 2, [=](Index, Index, Index) { return level; });
}
Bytes plain_jpeg(std::uint8_t level) {
  return jpeg_file(4, 4, [=](Index, Index, Index) { return level; });
}
Bytes cut(Bytes bytes, std::size_t count) {
  bytes.resize(bytes.size() - count);
  return bytes;
}
Bytes changed(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = value;
  return bytes;
}
std::size_t find(const Bytes& bytes, std::initializer_list<std::uint8_t> part) {
  return static_cast<std::size_t>(
      std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) - bytes.begin());
}

bool same_values(const Tensor<std::uint8_t, 3>& a, const Tensor<std::uint8_t, 3>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

constexpr ImageOptions small{.height = 4, .width = 4};

}  // namespace

TEST_CASE("image folder: classes and files by the bytes of their names, labels, scaling") {
  const Folder folder;
  folder.add("rose/b.png", plain_png(30));
  folder.add("rose/B.PNG", plain_png(20));
  folder.add("rose/\xff\xfe.JpEg", plain_jpeg(50));  // not UTF-8
  folder.add("rose/\xc3\xa4.jpg", plain_jpeg(40));
  folder.add("daisy/1.png", plain_png(10));
  folder.add("Zinnia/z.png", plain_png(0));
  folder.add("rose/.hidden.png", written_bytes("x"));  // as a shell's * leaves it out
  folder.add("rose/notes.txt", written_bytes("x"));
  folder.add("rose/below/c.png", plain_png(99));
  folder.add(".git/a.png", plain_png(99));
  folder.add("README", written_bytes("x"));
  std::filesystem::create_symlink("daisy", folder.at("linked"));
  std::filesystem::create_symlink("../daisy/1.png", folder.at("daisy/2.png"));
  for (const int threads : {1, 2, 3}) {
    const auto [data, classes, bad] =
        load_image_folder(folder.root, {.height = 4, .width = 4, .threads = threads});
    CHECK(bad.empty());
    CHECK(classes == std::vector<std::string>{"Zinnia", "daisy", "linked", "rose"});
    CHECK(data.images.shape() == Shape(9, 3, 4, 4));
    CHECK(std::vector<int>(data.labels.begin(), data.labels.end()) ==
          std::vector{0, 1, 1, 2, 2, 3, 3, 3, 3});
    const int levels[]{0, 10, 10, 10, 10, 20, 30, 40, 50};
    for (Index n = 0; n < 9; ++n) CHECK(std::abs(int(data.images(n, 1, 2, 2)) - levels[n]) <= 1);
    CHECK(data.classes == 4);
    CHECK(data.name == folder.root);
    CHECK(data.scaling.mean.count() == 3);
    CHECK(data.scaling.mean == scaling_of(data).mean);
    CHECK(data.scaling.std == scaling_of(data).std);
    data.validate();
  }
  const auto grey = load_image_folder(
      folder.root, {.height = 2, .width = 6, .resize = Resize::pad, .channels = 1});
  CHECK(grey.data.images.shape() == Shape(9, 1, 2, 6));
  CHECK(grey.data.scaling.mean.count() == 1);
}

TEST_CASE("image folder: every kind of bad file is named with its reason, the others are read") {
  const Folder folder;
  std::map<std::string, std::string> expected;  // name, a part of the reason
  const auto bad = [&](const std::string& name, const Bytes& bytes, const std::string& reason) {
    folder.add("a/" + name, bytes);
    expected[name] = reason;
  };
  const Bytes png = plain_png(7), jpeg = plain_jpeg(7);
  const auto header = [](std::uint32_t height, std::uint32_t width) {
    return PngParts{.height = height, .width = width, .rows = Bytes(100)}.file();
  };
  const std::size_t frame = find(jpeg, {0xff, 0xc0}), scan = find(jpeg, {0xff, 0xda});
  // Not a picture, or another kind of one.
  bad("empty.png", {}, "expected a PNG or JPEG file, found an empty file");
  bad("one_byte.jpg", {0xff}, "found something else");
  bad("text.png", written_bytes("seven\n"), "found something else");
  bad("page.jpg", written_bytes("<!DOCTYPE html><html>"), "found an HTML file");
  bad("animation.png", written_bytes("GIF89a and so on"),
      "found a GIF file (convert it to PNG or JPEG)");
  bad("web.jpg", written_bytes("RIFF\1\1\1\1WEBPVP8 "), "found a WebP file");
  bad("phone.jpeg",
      written_bytes(std::string_view("\0\0\0\x18"
                                     "ftypheic",
                                     12)),
      "found a HEIC file");
  bad("vector.png", written_bytes("<?xml version='1.0'?><svg>"), "found an SVG file");
  bad("mac_._resource.jpg", Bytes{0, 5, 0x16, 7, 0, 2, 0, 0}, "found something else");
  // Truncated or damaged.
  bad("png_magic_alone.png", Bytes(png.begin(), png.begin() + 8), "a truncated file?");
  bad("png_cut_in_pixels.png", cut(png, 20), "a truncated file?");
  bad("png_no_end.png", cut(png, 12), "expected a PNG file that ends with an IEND chunk");
  bad("png_checksum.png", changed(png, 45, 0xff), "the checksum of the PNG chunk IDAT to be right");
  bad("png_not_zlib.png", PngParts{.packed = Bytes(20, 'x')}.file(), "found a damaged one (");
  bad("png_few_rows.png", PngParts{.height = 9, .rows = Bytes(8)}.file(), "found a damaged one (");
  bad("png_no_palette.png", PngParts{.colour = 3, .rows = Bytes(2)}.file(),
      "found a damaged one (");
  bad("png_depth_3.png", PngParts{.depth = 3, .rows = Bytes(4)}.file(), "found a damaged one (");
  bad("png_filter_9.png", PngParts{.rows = {9, 1, 2, 3}}.file(), "found a damaged one (");
  bad("jpeg_magic_alone.jpg", Bytes(jpeg.begin(), jpeg.begin() + 3),
      "expected a JPEG file, found a damaged one (");
  bad("jpeg_cut_in_header.jpg", Bytes(jpeg.begin(), jpeg.begin() + 40), "found a damaged one (");
  bad("jpeg_cut_in_scan.jpg", cut(jpeg, 4), "found a damaged one (");
  bad("jpeg_no_scan.jpg", Bytes(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(scan)),
      "found a damaged one (");
  bad("jpeg_12_bits.jpg", changed(jpeg, frame + 4, 12),
      "a kind that libjpeg reads, found another (");
  bad("jpeg_lossless.jpg", changed(jpeg, frame + 1, 0xc3),
      "a kind that libjpeg reads, found another (");
  // Headers that lie.
  bad("png_zero_height.png", header(0, 4), "found a damaged one (");
  bad("png_zero_width.png", header(4, 0), "found a damaged one (");
  bad("png_width_2_31.png", header(1, 0x8000'0000U), "found a damaged one (");
  bad("png_huge.png", header(0x7fff'ffff, 0x7fff'ffff), "found 2147483647 x 2147483647");
  bad("png_bomb.png", header(40'000, 40'000), "and at most 400000000 pixels, found 40000 x 40000");
  bad("png_wide.png", header(1, 65'536), "a height and a width in [1, 65535]");
  bad("jpeg_zero_width.jpg", changed(changed(jpeg, frame + 7, 0), frame + 8, 0),
      "found a damaged one (");
  bad("jpeg_bomb.jpg", changed(changed(jpeg, frame + 5, 0xff), frame + 7, 0xff),
      "400000000 pixels, found 65284 x 65284");
  bad(
      "text_bomb.png",
      [&] {
        PngParts parts{
            .rows = {0, 1, 2, 3, 4, 5}};  // one byte too many is no fault, so a wrong filter
        parts.rows[0] = 77;
        Bytes text = written_bytes(std::string_view("Raw profile type exif\0\0", 23));
        append(text, zipped(Bytes(20'000'000, ' ')));
        parts.extra = png_chunk("zTXt", text);
        return parts.file();
      }(),
      "found a damaged one (");
  bad("new\nline.png", written_bytes("x"), "found something else");
  bad("\xff\xfe.png", written_bytes("x"), "found something else");
  // No files at all.
  std::filesystem::create_directory(folder.at("a/directory.png"));
  expected["directory.png"] = "expected a file, found a directory";
  REQUIRE(::mkfifo(folder.at("a/pipe.png").c_str(), 0666) == 0);
  expected["pipe.png"] = "expected a file, found a pipe";
  if (::mknod(folder.at("a/socket.jpg").c_str(), S_IFSOCK | 0666, 0) == 0)
    expected["socket.jpg"] = "expected a file, found a socket";
  const auto link = [&](const char* name, const char* to, const char* reason) {
    std::filesystem::create_symlink(to, folder.at(concat("a/", name)));
    expected[name] = reason;
  };
  link("device.png", "/dev/zero", "expected a file, found a device");
  link("nothing.png", "gone.png", "expected a file, found nothing");
  link("loop.png", "loop.png", "cannot be opened (Too many levels of symbolic links)");
  link("loop_1.png", "loop_2.png", "cannot be opened (Too many levels of symbolic links)");
  link("loop_2.png", "loop_1.png", "cannot be opened (Too many levels of symbolic links)");
  // Odd, and right: the content decides, not the name, and what is more than pixels does not matter.
  folder.add("a/jpeg_named.png", plain_jpeg(100));
  folder.add("a/png_named.jpg", plain_png(100));
  const auto odd = [&](const char* name, Bytes after_header, Bytes after_pixels) {
    PngParts parts = png_parts(4, 4, 2, [](Index, Index, Index) { return std::uint8_t{100}; });
    parts.extra = std::move(after_header);
    parts.after = std::move(after_pixels);
    folder.add(concat("a/", name), parts.file());
  };
  Bytes animation = png_chunk("acTL", {0, 0, 0, 2, 0, 0, 0, 0});
  append(animation, png_chunk("fcTL", Bytes(26)));
  odd("animated.png", animation, png_chunk("fdAT", Bytes(40)));
  odd("profile.png", png_chunk("iCCP", written_bytes("not a profile")),
      png_chunk("tIME", Bytes(3)));
  Bytes trailing = plain_png(100);
  append(trailing, written_bytes("and more"));
  folder.add("a/trailing.png", trailing);
  folder.add("a/deep.png", PngParts{.depth = 16, .rows = {0, 100, 0, 100, 0, 100, 0}}.file());
  folder.add("a/inks.jpg",
             jpeg_file(4, 4, [](Index, Index, Index c) { return std::uint8_t(c == 3 ? 255 : 100); },
                       {.space = JCS_CMYK}));
  folder.add("a/progressive.jpg",
             jpeg_file(4, 4, [](Index, Index, Index) { return std::uint8_t{100}; },
                       {.progressive = true}));

  const auto [data, classes, found] = load_image_folder(folder.root, small);
  CHECK(expected.size() >= 40);
  CHECK(found.size() == expected.size());
  for (const BadFile& file : found) {
    const std::string name = file.path.substr(folder.at("a/").size());
    CAPTURE(name);
    CAPTURE(file.reason);
    REQUIRE(expected.contains(name));
    CHECK(contains(file.reason, expected[name]));
    CHECK(!contains(file.reason, folder.root));
    CHECK(!contains(file.reason, "\n"));
  }
  CHECK(std::is_sorted(found.begin(), found.end(),
                       [](const BadFile& a, const BadFile& b) { return a.path < b.path; }));
  CHECK(data.size() == 8);
  for (Index n = 0; n < data.size(); ++n) CHECK(std::abs(int(data.images(n, 0, 1, 1)) - 100) <= 1);
  data.validate();  // of one level alone, so its deviation is 1
  CHECK(data.scaling.std[0] ==
        (*std::max_element(data.images.begin(), data.images.end()) == 100 &&
                 *std::min_element(data.images.begin(), data.images.end()) == 100
             ? 1
             : scaling_of(data).std[0]));

  auto strict = small;
  strict.strict = true;
  const auto said = error_of([&] { load_image_folder(folder.root, strict); });
  CHECK(contains(said, concat(folder.root, ": expected every picture to be read (.strict), found ",
                              found.size(), " bad, the first ", one_line(found[0].path), ": ",
                              found[0].reason)));

  // load_image says the same of one.
  for (const auto& entry : expected) {
    const std::string path = folder.at("a/" + entry.first);
    const auto error = error_of([&] { load_image(path, small); });
    CHECK(contains(error, one_line(path) + ": "));
    CHECK(contains(error, entry.second));
  }
}

TEST_CASE("image folder: directories that are none, or have nothing") {
  const auto refused = [](const std::string& root, const ImageOptions& options = small) {
    return error_of([&] { load_image_folder(root, options); });
  };
  const Folder folder;
  CHECK(contains(refused(folder.at("gone")), "expected a directory of classes, found nothing"));
  CHECK(contains(refused(folder.root), "expected a directory for each class, found none"));
  folder.add("file.png", plain_png(1));
  CHECK(contains(refused(folder.at("file.png")), "expected a directory of classes, found a file"));
  CHECK(contains(refused(folder.root),
                 "expected a directory for each class, found none (1 pictures)"));
  std::filesystem::create_directory(folder.at("b"));
  CHECK(contains(refused(folder.root),
                 concat("expected a picture that can be read, found 2 bad, the first ",
                        folder.at("b"), ": expected a PNG or JPEG file, found none")));
  // A class that is empty, one whose files are bad, a picture in a wrong place, links to nothing and in circles.
  folder.add("a/1.png", plain_png(1));
  folder.add("c/1.png", {});
  folder.add("d/1.png", plain_png(2));
  std::filesystem::create_symlink("gone", folder.at("e"));
  std::filesystem::create_symlink("f", folder.at("f"));
  std::filesystem::create_symlink("..", folder.at("d/up"));
  std::filesystem::create_symlink(".", folder.at("g"));  // a class that is the folder itself
  const auto [data, classes, bad] = load_image_folder(folder.root, small);
  CHECK(classes == std::vector<std::string>{"a", "b", "c", "d", "g"});
  CHECK(std::vector<int>(data.labels.begin(), data.labels.end()) == std::vector{0, 3, 4});
  const std::pair<const char*, const char*> expected[]{
      {"b", "expected a PNG or JPEG file, found none"},
      {"c/1.png", "expected a PNG or JPEG file, found an empty file"},
      {"c", "expected a picture that can be read, found none"},
      {"e", "expected the directory of a class, found nothing"},
      {"f",
       "expected the directory of a class, found what cannot be opened (Too many levels of "
       "symbolic links)"},
      {"file.png", "expected the directory of a class, found a file"}};
  REQUIRE(bad.size() == std::size(expected));
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CHECK(bad[i].path == folder.at(expected[i].first));
    CHECK(bad[i].reason == expected[i].second);
  }
  // Options.
  CHECK(
      contains(refused(folder.root, {}), "expected a height and a width of the images, got none"));
  CHECK(contains(refused(folder.root, {.height = 4}),
                 "a height and a width in [1, 8192], got 4 x 0"));
  CHECK(contains(refused(folder.root, {.height = 4, .width = 4, .channels = 4}),
                 "expected 1 or 3 channels, got 4"));
  CHECK(contains(refused(folder.root, {.height = 4, .width = 4, .most_total_bytes = 100}),
                 "expected images of at most 100 bytes in all, found 8 of 48 bytes"));
  CHECK(
      contains(refused(folder.root, {.height = 4, .width = 4, .most_pixels = 15}), "found 4 x 4"));
  CHECK(contains(refused(folder.root, {.height = 4, .width = 4, .most_bytes = 9}),
                 "expected at most 9 bytes, found"));
}

TEST_CASE("image folder: what may not be read") {
  const Folder folder;
  folder.add("a/1.png", plain_png(1));
  folder.add("a/2.png", plain_png(2));
  folder.add("b/1.png", plain_png(3));
  for (const char* directory : {"", "a"}) ::chmod(folder.at(directory).c_str(), 0755);
  ::chmod(folder.at("a/1.png").c_str(), 0644);
  ::chmod(folder.at("a/2.png").c_str(), 0);
  ::chmod(folder.at("b").c_str(), 0);
  const bool root = ::geteuid() == 0;  // which may read everything
  if (root && ::seteuid(65534) != 0) return;
  const auto [data, classes, bad] = load_image_folder(folder.root, small);
  if (root) REQUIRE(::seteuid(0) == 0);
  ::chmod(folder.at("b").c_str(), 0755);
  CHECK(data.size() == 1);
  CHECK(classes.size() == 2);
  REQUIRE(bad.size() == 2);
  CHECK(bad[0].path == folder.at("a/2.png"));
  CHECK(bad[0].reason == "cannot be opened (Permission denied)");
  CHECK(bad[1].path == folder.at("b"));
  CHECK(bad[1].reason == "cannot be listed (Permission denied)");
}

TEST_CASE("load_image: as it is, or at a size") {
  const Folder folder;
  folder.add("x.png", png_file(3, 5, 2, noise_at));
  const auto as_it_is = load_image(folder.at("x.png"));
  REQUIRE(as_it_is.shape() == Shape(3, 3, 5));
  CHECK(as_it_is(2, 1, 4) == noise_at(1, 4, 2));
  for (const Resize how : {Resize::exact, Resize::crop, Resize::pad})
    CHECK(same_values(load_image(folder.at("x.png"), {.height = 7, .width = 2, .resize = how}),
                      resize_image(as_it_is.view(), 7, 2, how)));
  CHECK(load_image(folder.at("x.png"), {.channels = 1}).shape() == Shape(1, 3, 5));
  CHECK(error_of([&] { load_image(""); }) == "expected the name of a file, found an empty one");
}
