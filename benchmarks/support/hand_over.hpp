// SPDX-License-Identifier: MIT
//
// What is left of the command line belongs to Google Benchmark.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

/// Hands `words` over, and the file for the JSON if there is one. False when a word is not known there.
/// `program` is main's argv[0]: Google Benchmark keeps the pointer.
inline bool hand_over(char* program, std::vector<std::string> words, const std::string& json) {
  if (!json.empty()) {
    words.push_back("--benchmark_out=" + json);
    words.push_back("--benchmark_out_format=json");
  }
  std::vector<char*> pointers{program};
  for (std::string& word : words) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  return !benchmark::ReportUnrecognizedArguments(count, pointers.data());
}
