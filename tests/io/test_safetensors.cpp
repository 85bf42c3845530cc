// SPDX-License-Identifier: MIT
#include "fovea/io/safetensors.hpp"

#include <cmath>

#include "support.hpp"

using namespace test;

namespace {

Bytes as_bytes(const std::string& text) { return {text.begin(), text.end()}; }

// A file of this header and so many bytes of data.
Bytes tensor_file(const std::string& header, std::size_t data = 0) {
  Bytes bytes;
  const std::uint64_t length = header.size();
  append_little_endian(bytes, std::span(&length, 1));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + data);
  return bytes;
}

std::string refusal(const Bytes& bytes) {
  return error_of([&] { parse_safetensors(bytes, "f"); });
}
std::string refusal(const std::string& header, std::size_t data = 0) {
  return refusal(tensor_file(header, data));
}

StoredTensor stored(Dtype dtype, Bytes bytes) { return {dtype, {}, std::move(bytes)}; }

template <class T>
T number(const StoredTensor& stored) {
  T value{};
  stored.copy_to(std::span(&value, 1), "x");
  return value;
}

}  // namespace

TEST_CASE("safetensors: the bytes of the reference writer") {
  Safetensors file;
  file.tensors["b"] = store(Tensor<float, 2>{{1, 2, -1}});
  file.tensors["a"] = store(Tensor<std::uint8_t, 1>{7, 8});
  file.tensors["c"] = store(Tensor<double, 1>{1.5});
  file.metadata["format"] = "pt";
  std::string header =
      R"({"__metadata__":{"format":"pt"},"c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[1,3],"data_offsets":[8,20]},)"
      R"("a":{"dtype":"U8","shape":[2],"data_offsets":[20,22]}})";
  while (header.size() % 8 != 0) header += ' ';
  Bytes expected = tensor_file(header);
  for (const int byte :
       {0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x80, 0xbf, 7, 8})
    expected.push_back(static_cast<std::uint8_t>(byte));
  CHECK(encode_safetensors(file) == expected);
  CHECK(encode_safetensors({}) == tensor_file("{}      "));
}

TEST_CASE("safetensors: there and back, in every type and shape") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "x.safetensors";
  const auto x = random_tensor<double>(Shape{2, 3, 4}, 1);
  Safetensors file;
  file.tensors["x"] = store(x);
  file.tensors["none"] = store(Tensor<float, 2>(Shape{3, 0}));
  file.tensors["whole"] = store(Tensor<std::int64_t, 1>{-5, std::int64_t{1} << 40});
  file.tensors["scalar"] = {Dtype::BOOL, {}, {1}};
  file.metadata = {{"a \"key\"", "two\nlines, ünï"}, {"", ""}};
  write_safetensors(path, file);
  const Safetensors back = read_safetensors(path);
  CHECK(back.metadata == file.metadata);
  REQUIRE(back.tensors.size() == 4);
  for (const auto& entry : back.tensors) {  // clang 14 cannot capture a structured binding
    const auto& name = entry.first;
    const auto& tensor = entry.second;
    CAPTURE(name);
    CHECK(tensor.dtype == file.tensors[name].dtype);
    CHECK(tensor.shape == file.tensors[name].shape);
    CHECK(tensor.bytes == file.tensors[name].bytes);
  }
  Tensor<double, 3> y(x.shape());
  back.tensors.at("x").copy_to(y.flat(), "x");
  CHECK(std::equal(x.begin(), x.end(), y.begin()));
  CHECK(number<bool>(back.tensors.at("scalar")));
}

TEST_CASE("stored tensors: conversions") {
  CHECK(number<float>(stored(Dtype::F16, {0x00, 0x3c})) == 1.0f);
  CHECK(number<float>(stored(Dtype::F16, {0x55, 0xb5})) ==
        doctest::Approx(-0.33325195).epsilon(1e-7));
  CHECK(number<double>(stored(Dtype::F16, {0xff, 0x7b})) == 65504.0);
  CHECK(number<double>(stored(Dtype::F16, {0x01, 0x00})) == std::ldexp(1.0, -24));  // subnormal
  CHECK(number<float>(stored(Dtype::F16, {0x00, 0xfc})) == -INFINITY);
  CHECK(std::isnan(number<float>(stored(Dtype::F16, {0x01, 0x7c}))));
  CHECK(number<float>(stored(Dtype::BF16, {0x49, 0x40})) == 3.140625f);
  CHECK(number<float>(stored(Dtype::F64, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f})) == 1.5f);
  CHECK(number<double>(stored(Dtype::F32, {0, 0, 0xc0, 0xbf})) == -1.5);
  CHECK(number<std::int64_t>(stored(Dtype::U8, {255})) == 255);
  CHECK(number<std::uint8_t>(stored(Dtype::I64, {200, 0, 0, 0, 0, 0, 0, 0})) == 200);

  const auto error = [](auto type, Dtype dtype, Bytes bytes) {
    return error_of([&] { number<decltype(type)>(stored(dtype, bytes)); });
  };
  CHECK(error(0.0f, Dtype::F64, {0, 0, 0, 0, 0, 0, 0, 0x48}) ==
        "x: expected numbers that fit into F32, found 6.80565e+38 at 0");
  CHECK(contains(error(std::uint8_t{}, Dtype::I64, {0, 1, 0, 0, 0, 0, 0, 0}),
                 "fit into U8, found 256"));
  CHECK(contains(error(std::uint8_t{}, Dtype::I64, Bytes(8, 255)), "fit into U8, found -1"));
  CHECK(contains(error(0.0f, Dtype::I64, Bytes(8)), "expected floating-point numbers, found I64"));
  CHECK(contains(error(std::int64_t{}, Dtype::F32, Bytes(4)), "expected whole numbers, found F32"));
  CHECK(contains(error(true, Dtype::BOOL, {2}), "expected 0 or 1 for a BOOL, found 2"));
  CHECK(contains(error(true, Dtype::F32, Bytes(8)),
                 "expected the bytes of 1 numbers, F32 (), found 8"));
}

TEST_CASE("safetensors: each type by its name") {
  for (const auto& [name, dtype] : {std::pair{"I64", Dtype::I64},
                                    {"F64", Dtype::F64},
                                    {"F32", Dtype::F32},
                                    {"BF16", Dtype::BF16},
                                    {"F16", Dtype::F16},
                                    {"U8", Dtype::U8},
                                    {"BOOL", Dtype::BOOL}}) {
    const Index size = size_of(dtype);
    const std::string header =
        concat(R"({"w":{"dtype":")", name, R"(","shape":[1],"data_offsets":[0,)", size, "]}}");
    const auto file = parse_safetensors(tensor_file(header, static_cast<std::size_t>(size)), "f");
    CHECK_UNARY(file.tensors.at("w").dtype == dtype);
    CHECK(to_string(dtype) == name);
  }
}

TEST_CASE("safetensors: every rule of the format, broken once") {
  const auto one = [](const std::string& fields) { return "{\"w\":{" + fields + "}}"; };
  const std::string good = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  REQUIRE(refusal(one(good), 8) == "");
  REQUIRE(refusal(one(good) + "   ", 8) == "");

  CHECK(contains(refusal(as_bytes("1234567")), "found only 7 bytes"));
  CHECK(contains(refusal(as_bytes("\xff\xff\xff\xff\xff\xff\xff\xff{}")),
                 "at most 100000000 bytes, found 18446744073709551615"));
  CHECK(contains(refusal(as_bytes(std::string("\x03\0\0\0\0\0\0\0{}", 10))),
                 "expected a header of 3 bytes, found only 2"));
  CHECK(contains(refusal(""), "found an empty one"));
  CHECK(contains(refusal("[]"), "begins with {, found byte 91"));
  CHECK(contains(refusal(" {}"), "begins with {, found byte 32"));
  CHECK(contains(refusal("{"), "JSON in UTF-8, found an error at its byte 2"));
  CHECK(contains(refusal("{}{}"), "JSON in UTF-8"));
  CHECK(contains(refusal(std::string("{}\0x", 4)), "found a zero at its byte 2"));
  CHECK(contains(refusal("{\"\xff\":{}}"), "JSON in UTF-8"));
  CHECK(contains(refusal("{\"a\n\":{}}"), "JSON in UTF-8"));
  CHECK(contains(refusal("{/**/}"), "JSON in UTF-8"));
  CHECK(contains(refusal("{\"w\":{" + good + "},\"w\":{" + good + "}}", 8), "found w twice"));
  CHECK(contains(refusal(one(good + ",\"dtype\":\"F32\""), 8), "found dtype twice in w"));
  CHECK(
      contains(refusal(R"({"__metadata__":{"a":"1","a":"2"}})"), "found a twice in __metadata__"));
  CHECK(contains(refusal(R"({"__metadata__":{},"__metadata__":{}})"), "found __metadata__ twice"));
  CHECK(contains(refusal(R"({"__metadata__":{"a":1}})"),
                 "expected a string for a of __metadata__, found the number 1"));
  CHECK(contains(refusal(R"({"__metadata__":{"a":{}}})"),
                 "expected a string for a of __metadata__, found an object"));
  CHECK(contains(refusal(R"({"__metadata__":3})"),
                 "expected an object for __metadata__, found the number 3"));
  CHECK(contains(refusal(R"({"w":[]})"), "expected an object for w, found an array"));
  CHECK(contains(refusal(R"({"w":null})"), "expected an object for w, found null"));
  CHECK(contains(refusal(one(R"("shape":[2],"data_offsets":[0,8])"), 8),
                 "expected a dtype of w, found none"));
  CHECK(contains(refusal(one(R"("dtype":"F32","data_offsets":[0,8])"), 8),
                 "expected a shape of w, found none"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[2])"), 8),
                 "expected a data_offsets of w, found none"));
  CHECK(contains(refusal(one(good + ",\"x\":1"), 8),
                 "expected dtype, shape and data_offsets of w, found x"));
  CHECK(contains(refusal(one(R"("dtype":"I32","shape":[2],"data_offsets":[0,8])"), 8),
                 "for the dtype of w, found I32"));
  CHECK(contains(refusal(one(R"("dtype":4,"shape":[2],"data_offsets":[0,8])"), 8),
                 "expected a string for dtype of w, found the number 4"));
  CHECK(contains(refusal(one(R"("dtype":["F32"],"shape":[2],"data_offsets":[0,8])"), 8),
                 "found an array"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":"2","data_offsets":[0,8])"), 8),
                 "expected an array for shape of w, found the string 2"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), 8),
                 "whole numbers of 0 or more for shape of w, found the number -2"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), 8),
                 "found the number 2.0"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"), 8),
                 "found an array"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[true],"data_offsets":[0,8])"), 8),
                 "found true"));
  CHECK(contains(
      refusal(one(R"("dtype":"F32","shape":[36893488147419103232],"data_offsets":[0,8])"), 8),
      "found the number 36893488147419103232"));
  CHECK(contains(
      refusal(one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])")),
      "overflows at 4294967296"));
  CHECK(
      contains(refusal(one(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,0])")),
               "overflows"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), 8),
                 "expected two data_offsets of w, found 1"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), 8),
                 "found 8 to 0"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[4],"data_offsets":[0,16])"), 8),
                 "in the 8 bytes of data, found 0 to 16"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), 8),
                 "expected 12 bytes for w, F32 (3), found 8"));
  CHECK(contains(refusal(one(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])"), 12),
                 "expected w to begin at 0, where the tensor before it ends, found 4 (a hole)"));
  CHECK(contains(refusal(one(good), 9), "expected 8 bytes of data, found 9 (trailing bytes)"));
  CHECK(
      contains(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                       R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                       3),
               "expected b to begin at 2, where the tensor before it ends, found 1 (an overlap)"));
  std::string numbers = "1";
  for (int i = 0; i < 100; ++i) numbers += ",1";
  CHECK(
      contains(refusal(one(R"("dtype":"U8","shape":[)" + numbers + R"(],"data_offsets":[0,1])"), 1),
               "at most 64 numbers"));
  CHECK(contains(refusal(std::string(100000, '{')), "JSON in UTF-8"));
  CHECK(contains(refusal("{\"a\":" + std::string(100000, '[')),
                 "expected an object for a, found an array"));
}

TEST_CASE("safetensors: a file that is cut anywhere is refused") {
  Safetensors file;
  file.tensors["x"] = store(random_tensor<float>(Shape{3, 5}, 1));
  file.metadata["format"] = "pt";
  const Bytes whole = encode_safetensors(file);
  REQUIRE(refusal(whole) == "");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(contains(refusal(Bytes(whole.begin(), whole.begin() + static_cast<Index>(size))),
                   "f: expected"));
  const Safetensors bad{{{"\xff", file.tensors["x"]}}, {}};
  CHECK(contains(error_of([&] { encode_safetensors(bad); }), "in UTF-8"));
}
