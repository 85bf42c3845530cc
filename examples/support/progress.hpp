// SPDX-License-Identifier: MIT
//
// A progress bar on a terminal, which fits into its width as it is now; a plain line for every tenth
// elsewhere, nothing when quiet.
#pragma once

#include <chrono>
#include <string>
#include <vector>

/// "epoch 1/3  ███░░░  50 %  loss 0.1234  900 images/s": at most columns - 1 wide. What does not fit is
/// left out, the last number first, the bar becomes as short as 5 columns, and then goes, too.
std::string progress_line(const std::string& title, double share,
                          const std::vector<std::string>& numbers, int columns, bool utf8);

/// Prints a line of parts, two spaces between them. A terminal gets a new line, indented, before a part that
/// would not fit; a file or a pipe has all of them in one line.
void print_parts(const std::vector<std::string>& parts);

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
  void show(long done, std::vector<std::string> numbers);

  using Clock = std::chrono::steady_clock;
  std::string title_;
  long total_;
  bool quiet_, redraws_, drawn_ = false;
  long tenths_ = 0;
  Clock::time_point start_ = Clock::now(), last_{};
};
