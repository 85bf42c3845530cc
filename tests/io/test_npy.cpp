// SPDX-License-Identifier: MIT
#include "fovea/io/npy.hpp"

#include "support.hpp"

using namespace test;

namespace {

// np.save of np.array([[1, -2.5, 3], [4, 5, 1e-3]], '<f4') and of np.arange(3, dtype='<i8'), NumPy 1.24.2.
const std::string spaces(200, ' ');
std::string golden(const std::string& dictionary, const std::string& numbers) {
  const std::string text = "\x93NUMPY\x01" + std::string("\0\x76\0", 3) + dictionary;
  return text + spaces.substr(0, 127 - text.size()) + "\n" + numbers;
}
const std::string floats =
    golden("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
           std::string(
               "\0\0\x80\x3f\0\0\x20\xc0\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\x6f\x12\x83\x3a", 24));
const std::string integers =
    golden("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }",
           std::string("\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24));

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// A file with this dictionary, of this version, and `count` bytes of numbers.
std::string file_of(std::string dictionary, std::size_t count, char version = 1) {
  dictionary += '\n';
  const auto n = dictionary.size();
  std::string text = std::string("\x93NUMPY") + version + '\0' + static_cast<char>(n % 256) +
                     static_cast<char>(n / 256);
  if (version > 1) text += std::string(2, '\0');
  return text + dictionary + std::string(count, '\1');
}

template <class T = float, std::size_t R = 2>
std::string npy_error(const std::string& file) {
  return error_of([&] { parse_npy<T, R>(bytes_of(file), "x.npy"); });
}

template <class T>
void goes_and_comes_back(std::string_view descr) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "x.npy";
  Tensor<T, 3> x(Shape{2, 3, 5});
  Rng rng{1};
  for (T& value : x) value = static_cast<T>(rng.uniform(0, 200));
  write_npy(path, x);
  const auto y = read_npy<T, 3>(path);
  CHECK(y.shape() == x.shape());
  CHECK(std::equal(x.begin(), x.end(), y.begin()));
  const Bytes bytes = read_file(path);
  CHECK(bytes == encode_npy(x.view()));
  CHECK(contains(std::string(bytes.begin(), bytes.end()), concat("{'descr': '", descr, "'")));
  CHECK(bytes.size() % 64 == 30 * sizeof(T) % 64);
}

}  // namespace

TEST_CASE("npy: the bytes of np.save, written and read") {
  const Tensor<float, 2> x{{1, -2.5f, 3}, {4, 5, 1e-3f}};
  CHECK(encode_npy(x) == bytes_of(floats));
  const auto y = parse_npy<float, 2>(bytes_of(floats), "x");
  CHECK(y.shape() == Shape(2, 3));
  CHECK(std::equal(x.begin(), x.end(), y.begin()));
  const Tensor<std::int64_t, 1> i{0, 1, 2};
  CHECK(encode_npy(i) == bytes_of(integers));
  CHECK(parse_npy<std::int64_t, 1>(bytes_of(integers), "x")(2) == 2);
}

TEST_CASE("npy: every type goes and comes back") {
  goes_and_comes_back<float>("<f4");
  goes_and_comes_back<double>("<f8");
  goes_and_comes_back<std::uint8_t>("|u1");
  goes_and_comes_back<std::int32_t>("<i4");
  goes_and_comes_back<std::int64_t>("<i8");
}

TEST_CASE("npy: what Python writes in other ways is read too") {
  const auto shape_of = [](const std::string& file) {
    return to_string(parse_npy<float, 2>(bytes_of(file), "x").shape());
  };
  CHECK(shape_of(file_of("{'shape':(2,1),'fortran_order':False,'descr':'<f4'}", 8)) == "(2, 1)");
  CHECK(shape_of(file_of(
            R"( { "descr" : "<f4" , "shape" : ( 2 , 1 , ) , "fortran_order" : False , } )", 8)) ==
        "(2, 1)");
  for (const char version : {'\1', '\2', '\3'})
    CHECK(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", 8,
                           version)) == "(1, 2)");
  CHECK(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", 0)) ==
        "(0, 7)");
}

TEST_CASE("npy: each rule broken once") {
  const auto with = [](const std::string& dictionary) { return npy_error(file_of(dictionary, 8)); };
  const auto typed = [&](const std::string& descr) {
    return with("{'descr': " + descr + ", 'fortran_order': False, 'shape': (1, 2), }");
  };
  const auto shaped = [&](const std::string& shape, std::size_t count = 8) {
    return npy_error(
        file_of("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }", count));
  };
  CHECK(typed("'<f4'") == "");
  CHECK(typed("'>f4'") ==
        "x.npy: expected numbers of type <f4, found >f4 (most significant byte first)");
  CHECK(typed("'|O'") ==
        "x.npy: expected numbers of type <f4, found |O (pickled objects, which are not read)");
  CHECK(typed("'<f8'") == "x.npy: expected numbers of type <f4, found <f8");
  CHECK(typed("'\x1b[31m'") == "x.npy: expected numbers of type <f4, found ?[31m");
  CHECK(contains(typed("[('a', '<f4')]"),
                 "expected the type of plain numbers in quotes, found [('a', '<f4')]"));
  CHECK(contains(typed("'<f4"), "expected , in the header, found fortran_order"));
  CHECK(contains(typed("'<f\\x34'"), "expected the type"));
  CHECK(contains(typed("'<f4' '<f4'"), "expected , in the header"));
  CHECK(contains(with("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }"),
                 "(C order), found the first"));
  CHECK(contains(with("{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 2), }"),
                 "expected True or False"));
  CHECK(contains(with("{'descr': '<f4', 'fortran_order': Falsehood, 'shape': (1, 2), }"),
                 "expected , in the header"));
  CHECK(contains(with("{'descr': '<f4', 'shape': (1, 2), }"), "found no fortran_order"));
  CHECK(contains(with("{}"), "found no descr"));
  CHECK(contains(with("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}"),
                 "found descr twice"));
  CHECK(contains(with("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), 'x': 1}"),
                 "found x"));
  CHECK(contains(with("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} + 1"),
                 "nothing behind the dictionary, found + 1"));
  CHECK(contains(with("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)"),
                 "found the end of the header"));
  CHECK(contains(with("{,}"), "expected a key"));
  CHECK(contains(with("{'descr': '<f4',, 'fortran_order': False, 'shape': (1, 2)}"),
                 "expected a key"));
  CHECK(contains(with("{'descr' '<f4', 'fortran_order': False, 'shape': (1, 2)}"),
                 "expected : in the header"));
  CHECK(contains(with(""), "expected { in the header, found the end"));
  CHECK(contains(with("__import__('os').system('false')"), "expected { in the header"));

  CHECK(shaped("(1, 2)") == "");
  CHECK(shaped("(2,)") == "x.npy: expected an array of rank 2, found shape (2)");
  CHECK(contains(shaped("()", 4), "rank 2, found shape ()"));
  CHECK(contains(shaped("(1, 2, 1)"), "rank 2, found shape (1, 2, 1)"));
  CHECK(contains(shaped("(2)"), "expected a tuple"));
  CHECK(contains(shaped("2"), "expected ( in the header"));
  CHECK(contains(shaped("(1, -2)"), "expected whole numbers"));
  CHECK(contains(shaped("(1, 02)"), "expected whole numbers"));
  CHECK(contains(shaped("(1, 2.0)"), "expected , in the header, found .0)"));
  CHECK(contains(shaped("(1, 2L)"), "expected , in the header, found L)"));
  CHECK(contains(shaped("(1 2)"), "expected , in the header"));
  CHECK(contains(shaped("(,)"), "expected whole numbers"));
  CHECK(contains(shaped("(1, 99999999999999999999)"), "expected whole numbers"));
  const bool wide = sizeof(Index) > 4;  // else they are no extents
  const std::string large = wide ? "(a truncated file?)" : "expected a shape that fits into memory";
  CHECK(contains(shaped("(461168601842738790, 40)"), wide ? "found 8 bytes " + large : large));
  CHECK(contains(shaped("(999999999999999999, 999999999999999999)"), large));
  CHECK(contains(npy_error<float, 3>(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': "
                                             "(999999999999999999, 999999999999999999, 0), }",
                                             0)),
                 large));
  CHECK(contains(shaped("(1, 2)", 7),
                 "expected the (1, 2) numbers of 4 bytes that its header promises, found 7 bytes"));
  CHECK(contains(shaped("(1, 2)", 9), "found 9 bytes"));
  CHECK(contains(shaped("(0, 2)", 8), "found 8 bytes"));
  CHECK(contains(shaped("(1, 2)", 0), "found 0 bytes (a truncated file?)"));
}

TEST_CASE("npy: the start of the file") {
  for (std::size_t n = 0; n < floats.size(); ++n)
    CHECK(contains(npy_error(floats.substr(0, n)), "x.npy: expected"));
  CHECK(npy_error(floats) == "");
  const auto changed = [](std::size_t at, char byte) {
    std::string file = floats;
    file[at] = byte;
    return npy_error(file);
  };
  for (std::size_t at = 0; at < 6; ++at)
    CHECK(contains(changed(at, 'x'), "begins with \\x93NUMPY"));
  CHECK(contains(changed(6, 0), "version 1.0, 2.0 or 3.0, found 0.0"));
  CHECK(contains(changed(6, 4), "found 4.0"));
  CHECK(contains(changed(7, 1), "found 1.1"));
  CHECK(contains(changed(9, '\xff'), "a header of at most 10000 bytes, found 65398"));
  CHECK(contains(changed(9, 1), "expected a header of 374 bytes, found only 142"));
  CHECK(contains(changed(8, 0), "ends with a newline, found an empty one"));
  CHECK(contains(changed(127, ' '), "ends with a newline, found none"));
  CHECK(contains(error_of([] { read_npy<float, 2>("/nowhere/x.npy"); }),
                 "/nowhere/x.npy: expected a file"));
}
