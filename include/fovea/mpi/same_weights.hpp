// SPDX-License-Identifier: MIT
//
// Whether all ranks still have one network. Every rank makes the same steps, so they must agree to
// the last bit; memory that is broken, or a program that differs, shows here and not in a worse
// accuracy.
//
//   mpi::begin_alike(ranks, net, training);   // build and data; throws before anything is trained
//   ...
//   if (adam.steps() % 100 == 0) mpi::check_same_weights(ranks, net, adam.steps());
#pragma once

#include <bit>

#include "fovea/core/build_info.hpp"
#include "fovea/mpi/ranks.hpp"

namespace fovea::inline FOVEA_ABI::mpi {

/// FNV-1a of numbers, eight bytes or fewer at a time.
template <class T>
std::uint64_t hash_of(std::span<const T> numbers, std::uint64_t hash = 0xcbf29ce484222325) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  for (const T x : numbers) hash = (hash ^ std::bit_cast<Bits>(x)) * 0x100000001b3;
  return hash;
}

/// Throws unless all ranks have the same parameters and buffers; the error names the first rank
/// that differs from rank 0, and its tensors.
template <class Net>
void check_same_weights(Ranks& ranks, const Net& net, std::uint64_t step) {
  if (ranks.size() == 1) return;
  std::vector<std::uint64_t> hashes;
  net.for_each_state([&](const auto& tensor) {
    if constexpr (requires { tensor.extents; })
      hashes.push_back(
          hash_of(std::span(tensor.data, static_cast<std::size_t>(tensor.extents.size()))));
    else
      hashes.push_back(hash_of(as_const(tensor).flat()));
  });
  const std::size_t count = hashes.size();
  const auto* const all =
      static_cast<const std::uint64_t*>(ranks.gather(hashes.data(), count * sizeof(std::uint64_t)));
  for (std::size_t r = 1; r < static_cast<std::size_t>(ranks.size()); ++r) {
    std::string names;
    std::size_t i = 0;
    net.for_each_state([&](const std::string& name, const auto&) {
      if (all[r * count + i] != all[i]) names += (names.empty() ? "" : ", ") + name;
      ++i;
    });
    check(names.empty(), "rank ", r, ": expected the weights of rank 0 after step ", step,
          ", found others in ", names);
  }
}

/// Throws unless all ranks have the same build of fovea, and the same of what else is given:
/// options and the fingerprint of the data, for instance.
inline void begin_alike(Ranks& ranks, std::map<std::string, std::string> what) {
  const BuildInfo info = build_info();
  what["version"] = info.version;
  what["compiler"] = info.compiler;
  what["instruction set"] = info.isa;
  ranks.compare(what);
}

}  // namespace fovea::inline FOVEA_ABI::mpi
