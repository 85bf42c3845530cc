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
  for (T& value : x) value = static_cast<T>(rng.uniform(0, 120));
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
  goes_and_comes_back<bool>("|b1");
  goes_and_comes_back<std::int8_t>("|i1");
  goes_and_comes_back<std::int16_t>("<i2");
  goes_and_comes_back<std::int32_t>("<i4");
  goes_and_comes_back<std::int64_t>("<i8");
  goes_and_comes_back<std::uint8_t>("|u1");
  goes_and_comes_back<std::uint16_t>("<u2");
  goes_and_comes_back<std::uint32_t>("<u4");
  goes_and_comes_back<std::uint64_t>("<u8");
}

TEST_CASE("npy: what Python writes in other ways is read too") {
  const auto shape_of = [](const std::string& file) {
    return to_string(parse_npy<float, 2>(bytes_of(file), "x").shape());
  };
  CHECK(shape_of(file_of("{'shape':(2,1),'fortran_order':False,'descr':'<f4'}", 8)) == "(2, 1)");
  CHECK(shape_of(file_of(
            R"( { "descr" : "<f4" , "shape" : ( 2 , 1 , ) , "fortran_order" : False , } )", 8)) ==
        "(2, 1)");
  CHECK(shape_of(file_of("{\n'descr':\t'<f4',\r\n'fortran_order': False, 'shape': (2,\n1)\f}\n\n",
                         8)) == "(2, 1)");
  for (const char version : {'\1', '\2', '\3'})
    CHECK(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", 8,
                           version)) == "(1, 2)");
  CHECK(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", 0)) ==
        "(0, 7)");
  CHECK(shape_of(file_of("{'descr': '>f4', 'fortran_order': True, 'shape': (0, 7), }", 0)) ==
        "(0, 7)");
  // Python 2
  CHECK(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }", 24)) ==
        "(2, 3)");
  CHECK(shape_of(file_of("{u'shape': (2L,3), u'fortran_order': False, u'descr': u'<f4'}", 24)) ==
        "(2, 3)");
  // Padded to 64, to 16, not at all, and without a newline, which np.load does not miss.
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  for (const std::size_t padding : {0u, 5u, 58u, 1000u})
    CHECK(shape_of(file_of(dictionary + spaces.substr(0, padding % 200), 8)) == "(2, 1)");
  std::string file = file_of(dictionary, 0);
  file.back() = ' ';
  CHECK(shape_of(file + std::string(8, 'x')) == "(2, 1)");
}

namespace {

// The numbers of a file, as a tensor of T has them, between commas.
template <class T, std::size_t R = 1>
std::string read_as(const std::string& descr, const std::string& shape, const std::string& numbers,
                    const std::string& order = "False") {
  const auto file = file_of(
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }", 0);
  std::string text;
  const std::string error = error_of([&] {
    for (const T number : parse_npy<T, R>(bytes_of(file + numbers), "x"))
      text += concat(text.empty() ? "" : ",", number);
  });
  return error.empty() ? text : error;
}

}  // namespace

TEST_CASE("npy: every type and either order of bytes") {
  using namespace std::string_literals;
  CHECK(read_as<bool>("|b1", "(3,)", "\0\1\1"s) == "0,1,1");
  CHECK(read_as<int>("|i1", "(3,)", "\0\x7f\x80"s) == "0,127,-128");
  CHECK(read_as<int>("<i2", "(2,)", "\1\2\xfe\xff") == "513,-2");
  CHECK(read_as<int>(">i2", "(2,)", "\1\2\xfe\xff") == "258,-257");
  CHECK(read_as<int>(">i4", "(1,)", "\x80\0\0\1"s) == "-2147483647");
  CHECK(read_as<std::int64_t>(">i8", "(1,)", "\x80\0\0\0\0\0\0\0"s) == "-9223372036854775808");
  CHECK(read_as<int>("|u1", "(2,)", "\0\xff"s) == "0,255");
  CHECK(read_as<int>("<u2", "(1,)", "\xfe\xff") == "65534");
  CHECK(read_as<double>("<u4", "(1,)", "\xff\xff\xff\xff") == "4.29497e+09");
  CHECK(read_as<std::uint64_t>(">u8", "(1,)", "\xff\xff\xff\xff\xff\xff\xff\xfe") ==
        "18446744073709551614");
  CHECK(read_as<float>(">f2", "(4,)", "\x3c\0\xc1\0\0\1\x7c\0"s) == "1,-2.5,5.96046e-08,inf");
  CHECK(read_as<float>("<f2", "(2,)", "\0\xc1\1\x7e"s) == "-2.5,nan");
  CHECK(read_as<float>(">f4", "(2,)", "\x3f\x80\0\0\xc0\x20\0\0"s) == "1,-2.5");
  CHECK(read_as<float>("<f8", "(1,)", "\0\0\0\0\0\0\4\xc0"s) == "-2.5");
  CHECK(read_as<double>(">f8", "(1,)", "\xc0\4\0\0\0\0\0\0"s) == "-2.5");
  // The order of this machine.
  const std::int32_t here = 66051;
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &here, 4);
  for (const char* descr : {"i4", "=i4", "|i4"})
    CHECK(read_as<int>(descr, "(1,)", bytes) == "66051");
  CHECK(read_as<int>(std::endian::native == std::endian::big ? ">i4" : "<i4", "(1,)", bytes) ==
        "66051");
  for (const char* descr : {"b1", "<b1", ">b1", "=b1", "|b1"})
    CHECK(read_as<bool>(descr, "(2,)", "\1\0"s) == "1,0");
}

TEST_CASE("npy: Fortran order is transposed, a number alone is an array of one") {
  CHECK(read_as<int, 2>("|u1", "(2, 3)", "\1\2\3\4\5\6", "True") == "1,3,5,2,4,6");
  CHECK(read_as<int, 2>("|u1", "(3, 2)", "\1\2\3\4\5\6", "True") == "1,4,2,5,3,6");
  CHECK(read_as<int, 3>("|u1", "(2, 1, 3)", "\1\2\3\4\5\6", "True") == "1,3,5,2,4,6");
  CHECK(read_as<int, 3>("|u1", "(1, 2, 3)", "\1\2\3\4\5\6", "True") == "1,3,5,2,4,6");
  CHECK(read_as<int, 2>(">u2", "(2, 2)", std::string("\0\1\0\2\0\3\0\4", 8), "True") == "1,3,2,4");
  CHECK(read_as<int>("|u1", "(3,)", "\1\2\3", "True") == "1,2,3");
  for (const char* order : {"False", "True"}) CHECK(read_as<int>("|u1", "()", "\7", order) == "7");
  CHECK(read_as<int>("|u1", "()", "\7\7") ==
        "x: expected the (1) numbers of 1 bytes that its header promises, found 2 bytes");
  CHECK(read_as<int, 2>("|u1", "()", "\7") == "x: expected an array of rank 2, found shape ()");
  const auto wrong =
      read_as<std::uint8_t, 2>("<i2", "(2, 2)", std::string("\1\0\2\0\0\1\4\0", 8), "True");
  CHECK(wrong == "x: expected numbers that are exactly |u1, found the i2 256 at offset 1");
}

TEST_CASE("npy: a number of another type has to be the same number") {
  const auto into = []<class From, class To>(From number, To) {
    std::string text;
    const std::string error = error_of(
        [&] { text = to_string(parse_npy<To, 1>(encode_npy(Tensor<From, 1>{number}), "x")(0)); });
    return error.empty() ? text : error;
  };
  const auto refused = [&](auto number, auto to, const char* words) {
    CHECK(into(number, to) ==
          concat("x: expected numbers that are exactly ", words, " at offset 0"));
  };
  CHECK(into(-2.5, float{}) == "-2.5");
  CHECK(into(16777216.0, float{}) == "1.67772e+07");
  CHECK(into(0x1p-149, float{}) == "1.4013e-45");
  refused(0.1, float{}, "<f4, found the f8 0.1");
  refused(16777217.0, float{}, "<f4, found the f8 1.67772e+07");
  refused(1e300, float{}, "<f4, found the f8 1e+300");
  refused(0x1p-150, float{}, "<f4, found the f8 7.00649e-46");
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(into(-infinity, float{}) == "-inf");
  CHECK(into(infinity - infinity, float{}) == "nan");

  CHECK(into(255.0f, std::uint8_t{}) == "255");
  CHECK(into(-0.0, std::uint8_t{}) == "0");
  CHECK(into(-128.0, std::int8_t{}) == "-128");
  CHECK(into(-0x1p63, std::int64_t{}) == "-9223372036854775808");
  refused(256.0f, std::uint8_t{}, "|u1, found the f4 256");
  refused(-1.0, std::uint8_t{}, "|u1, found the f8 -1");
  refused(-129.0, std::int8_t{}, "|i1, found the f8 -129");
  refused(1.5, std::int32_t{}, "<i4, found the f8 1.5");
  refused(0x1p63, std::int64_t{}, "<i8, found the f8 9.22337e+18");
  refused(0x1p64f, std::uint64_t{}, "<u8, found the f4 1.84467e+19");
  refused(infinity, std::int64_t{}, "<i8, found the f8 inf");
  refused(infinity - infinity, std::int32_t{}, "<i4, found the f8 nan");

  CHECK(into(std::int64_t{255}, std::uint8_t{}) == "255");
  refused(std::int64_t{256}, std::uint8_t{}, "|u1, found the i8 256");
  refused(std::int64_t{-1}, std::uint64_t{}, "<u8, found the i8 -1");
  refused(~std::uint64_t{0}, std::int64_t{}, "<i8, found the u8 18446744073709551615");
  refused(std::uint8_t{128}, std::int8_t{}, "|i1, found the u1 128");

  CHECK(into(std::int32_t{16777216}, float{}) == "1.67772e+07");
  CHECK(into(std::numeric_limits<std::int64_t>::min(), float{}) == "-9.22337e+18");
  CHECK(into(std::int64_t{1} << 60, float{}) == "1.15292e+18");
  refused(std::int32_t{-16777217}, float{}, "<f4, found the i4 -16777217");
  refused((std::int64_t{1} << 53) + 1, double{}, "<f8, found the i8 9007199254740993");
  refused(~std::uint64_t{0}, double{}, "<f8, found the u8 18446744073709551615");

  CHECK(into(true, float{}) == "1");
  CHECK(into(1.0f, bool{}) == "1");
  refused(std::uint8_t{2}, bool{}, "|b1, found the u1 2");
  refused(0.5, bool{}, "|b1, found the f8 0.5");
  CHECK(read_as<float>("|b1", "(2,)", "\1\2") == "x: expected 0 or 1 for b1, found 2");
  CHECK(read_as<bool>("|b1", "(2,)", "\1\xff") == "x: expected 0 or 1 for b1, found 255");
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
  const auto untyped = [&](const std::string& descr, const std::string& reason) {
    CHECK(typed("'" + descr + "'") ==
          "x.npy: expected b1, i1 to i8, u1 to u8 or f2 to f8 for numbers, found " + reason);
  };
  untyped("|O", "|O (pickled objects, which can run any program as they are read)");
  untyped("<c8", "<c8 (complex numbers: save their real and imaginary parts apart)");
  untyped(">c16", ">c16 (complex numbers: save their real and imaginary parts apart)");
  untyped("<f16", "<f16 (bits that differ between machines: save them as float64)");
  untyped("<f12", "<f12 (bits that differ between machines: save them as float64)");
  untyped("|S5", "|S5 (text)");
  untyped("<U1", "<U1 (text)");
  untyped("<M8[ns]", "<M8[ns] (times)");
  untyped("<m8[s]", "<m8[s] (times)");
  untyped("|V4", "|V4");
  untyped("<i3", "<i3");
  untyped("<i16", "<i16");
  untyped("|b2", "|b2");
  untyped("<f", "<f");
  untyped("float32", "float32");
  untyped("<4", "<4");
  untyped("<", "<");
  untyped("", "");
  untyped("<>f4", "<>f4");
  untyped("f4 ", "f4 ");
  untyped("\x1b[31m", "?[31m");
  CHECK(contains(typed("[('a', '<f4')]"),
                 "expected the type of plain numbers in quotes, found [('a', '<f4')]"));
  CHECK(contains(typed("'<f4"), "for numbers, found <f4, "));
  CHECK(contains(typed("'<f\\x34'"), "expected the type"));
  CHECK(contains(typed("'<f4' '<f4'"), "expected , in the header"));
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
                 "nothing after the dictionary, found + 1"));
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
  CHECK(contains(shaped("(1, 2LL)"), "expected , in the header, found L)"));
  CHECK(contains(shaped("(1, L)"), "expected whole numbers"));
  CHECK(contains(shaped("(1, 2l)"), "expected , in the header, found l)"));
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
  CHECK(contains(changed(8, 0), "expected { in the header, found the end of the header"));
  CHECK(changed(127, ' ') == "");
  CHECK(contains(error_of([] { read_npy<float, 2>("/nowhere/x.npy"); }),
                 "/nowhere/x.npy: expected a file"));
}
