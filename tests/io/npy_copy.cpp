// SPDX-License-Identifier: MIT
//
// npy_copy TYPE RANK FROM TO: reads an npy file into a tensor of this type, "<f4", and writes that, for the
// test with NumPy.
#include <cstdio>

#include "fovea/io/npy.hpp"

using namespace fovea;

namespace {

template <class T>
bool copied(std::string_view type, std::size_t rank, const char* from, const char* to) {
  if (type != detail::npy_descr<T>) return false;
  if (rank == 1) write_npy(to, read_npy<T, 1>(from));
  if (rank == 2) write_npy(to, read_npy<T, 2>(from));
  if (rank == 3) write_npy(to, read_npy<T, 3>(from));
  if (rank == 4) write_npy(to, read_npy<T, 4>(from));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto rank = static_cast<std::size_t>(argv[2][0] - '0');
  const auto as = [&]<class... T>(T...) {
    return (copied<T>(argv[1], rank, argv[3], argv[4]) || ...) ? 0 : 2;
  };
  try {
    return as(bool{}, std::int8_t{}, std::int16_t{}, std::int32_t{}, std::int64_t{}, std::uint8_t{},
              std::uint16_t{}, std::uint32_t{}, std::uint64_t{}, float{}, double{});
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
