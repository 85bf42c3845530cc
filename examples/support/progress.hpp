// SPDX-License-Identifier: MIT
//
// A progress bar on a terminal, a plain line for every tenth elsewhere, nothing when quiet.
#pragma once

#include <chrono>
#include <string>

class Progress {
 public:
  /// `total` images in this epoch, or steps of whatever else is long.
  Progress(std::string title, long total, bool quiet);
  ~Progress();

  void update(long done, double loss);
  void update(long done);

  /// Clears the bar, so that the next line starts clean.
  void finish();

 private:
  void show(long done, const std::string& numbers);

  using Clock = std::chrono::steady_clock;
  std::string title_;
  long total_;
  bool quiet_, terminal_, drawn_ = false;
  long tenths_ = 0;
  Clock::time_point start_ = Clock::now(), last_{};
};
