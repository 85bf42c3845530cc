// SPDX-License-Identifier: MIT
//
// What is left of the command line belongs to Google Benchmark.
#pragma once

#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/core/check.hpp"

/// Hands `words` over, and the file for the JSON if there is one. Throws when a word is not known there.
/// `program` is main's argv[0]: Google Benchmark keeps the pointer.
inline void hand_over(char* program, std::vector<std::string> words, const std::string& json) {
  if (!json.empty()) {
    fovea::check(!std::filesystem::is_directory(json),
                 "--json: expected a file, found the directory ", json);
    words.push_back("--benchmark_out=" + json);
    words.push_back("--benchmark_out_format=json");
  }
  std::vector<char*> pointers{program};
  for (std::string& word : words) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  fovea::check(count == 1, "expected options of --help or of Google Benchmark, found ",
               count > 1 ? pointers[1] : "");
}

/// Runs what is registered; throws if a filter left nothing of it.
inline void run_benchmarks() {
  fovea::check(benchmark::RunSpecifiedBenchmarks() > 0,
               "expected a --benchmark_filter that leaves something to time");
}
