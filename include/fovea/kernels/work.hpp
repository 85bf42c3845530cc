// SPDX-License-Identifier: MIT
//
// What all kernels that work with several threads need: when to wake them, and memory for each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// A number of multiply-adds. Index has 32 bits in WebAssembly, too few
/// for the product of all extents.
using Work = std::int64_t;

/// Waking a thread costs as much as this many multiply-adds.
inline constexpr Work small_work = 200'000;

/// How much memory a kernel needs, in elements: for each thread, and for all of them together.
struct ScratchSize {
  Index each = 0, shared = 0;  ///< for each thread, and for all
  /// Enough for two kernels that run one after the other.
  ScratchSize covering(const ScratchSize& other) const {
    return {std::max(each, other.each), std::max(shared, other.shared)};
  }
};

/// Memory for all kernels of one workspace, which run in turns: as much as the largest need.
struct SharedScratch {
  Tensor<std::uint8_t, 1> bytes{};  ///< it may move until the first kernel runs
};

/// That memory, made once: kernels allocate nothing, and leave nothing there for their next call.
template <class T>
class Scratch {
 public:
  Scratch() = default;
  /// A copy has memory of its own.
  Scratch(const Scratch& other) : Scratch(other.threads_, other.size_) {}
  /// The same.
  Scratch& operator=(const Scratch& other) { return *this = Scratch(other); }
  Scratch(Scratch&&) = default;
  Scratch& operator=(Scratch&&) = default;
  /// For so many threads; `shared` is that of a workspace.
  [[gnu::cold]] Scratch(int threads, ScratchSize size,
                        std::shared_ptr<SharedScratch> shared = nullptr)
      : threads_(threads), size_{whole_lines(size.each), whole_lines(size.shared)} {
    check(size_.each <=
              std::numeric_limits<Index>::max() / (threads + 1) / Index{sizeof(T)} - size_.shared,
          "scratch memory for ", threads, " threads is too large");
    memory_ = shared ? std::move(shared) : std::make_shared<SharedScratch>();
    const Index bytes = flat_size() * Index{sizeof(T)};
    if (memory_->bytes.size() < bytes) memory_->bytes = Tensor<std::uint8_t, 1>(Shape{bytes});
  }

  /// As many of `threads` as there is memory for. Throws unless it is enough
  /// for a kernel that needs `size`.
  int provide(int threads, const ScratchSize& size) const {
    check(size.each <= size_.each && size.shared <= size_.shared, "expected scratch memory of ",
          size.each, " numbers for each thread and ", size.shared, " for all, found ", size_.each,
          " and ", size_.shared, " (the layer's pass(shape, options) makes it)");
    return std::min(threads, threads_);
  }
  /// The memory of one thread.
  T* own(int thread) { return shared() + size_.shared + thread * size_.each; }
  /// The memory that all threads share.
  T* shared() {
    return memory_ ? static_cast<T*>(static_cast<void*>(memory_->bytes.data())) : nullptr;
  }
  /// All of it.
  std::span<T> flat() { return {shared(), static_cast<std::size_t>(flat_size())}; }

 private:
  // Each of them begins at a cache line, so that threads do not write to the same one.
  static constexpr Index line = 64 / sizeof(T);
  static Index whole_lines(Index size) { return (size + line - 1) / line * line; }
  Index flat_size() const { return threads_ * size_.each + size_.shared; }

  int threads_ = 0;
  ScratchSize size_{};
  std::shared_ptr<SharedScratch> memory_{};
};

}  // namespace fovea::inline FOVEA_ABI::kernels
