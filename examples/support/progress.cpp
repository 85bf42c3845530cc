// SPDX-License-Identifier: MIT
#include "support/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

Progress::Progress(std::string title, long total, bool quiet)
    : title_(std::move(title)),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(STDOUT_FILENO) == 1) {}

Progress::~Progress() { finish(); }

void Progress::finish() {
  if (drawn_) std::fputs("\r\033[K", stdout);
  drawn_ = false;
  std::fflush(stdout);
}

void Progress::update(long done, double loss) {
  if (quiet_) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "  loss %.4f  %.0f images/s", loss,
                static_cast<double>(done) / seconds);
  show(done, numbers);
}

void Progress::update(long done) {
  if (!quiet_) show(done, "");
}

void Progress::show(long done, const std::string& numbers) {
  using Seconds = std::chrono::duration<double>;
  const auto now = Clock::now();
  if (!terminal_) {
    const long tenths = 10 * done / total_;
    if (tenths == tenths_) return;
    tenths_ = tenths;
    std::printf("%s  %3ld %%%s\n", title_.c_str(), 10 * tenths, numbers.c_str());
    std::fflush(stdout);
    return;
  }
  if (done < total_ && Seconds(now - last_).count() < 0.1) return;
  last_ = now;
  const double left = Seconds(now - start_).count() * static_cast<double>(total_ - done) /
                      static_cast<double>(done > 0 ? done : 1);
  constexpr long width = 30;
  std::string bar;
  for (long i = 0; i < width; ++i) bar += i < width * done / total_ ? "█" : "░";
  std::printf("\r%s  %s %3ld %%%s  %2.0f s left \033[K", title_.c_str(), bar.c_str(),
              100 * done / total_, numbers.c_str(), left);
  std::fflush(stdout);
  drawn_ = true;
}
