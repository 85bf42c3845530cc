// SPDX-License-Identifier: MIT
//
// What the programs of this directory share: clocks, medians, files of bare numbers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

inline double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Runs `work` again and again for about this long; returns the median seconds of a call.
template <class Work>
double median_time(Work&& work, double duration) {
  std::vector<double> times;
  const double begin = now();
  for (double last = begin; last - begin < duration;) {
    work();
    const double end = now();
    times.push_back(end - last);
    last = end;
  }
  return median(times);
}

/// Mean seconds of a call over about this long, as Google Benchmark counts.
template <class Work>
double mean_time(Work&& work, double duration) {
  const double begin = now();
  for (long calls = 1;; ++calls) {
    work();
    const double passed = now() - begin;
    if (passed >= duration) return passed / static_cast<double>(calls);
  }
}

inline std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

/// The numbers of an unpacked IDX file without its header of `skip` bytes.
inline std::vector<std::uint8_t> read_idx_bytes(const std::string& path, std::streamoff skip) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.tellg() - skip));
  file.seekg(skip);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}
