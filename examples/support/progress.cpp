// SPDX-License-Identifier: MIT
#include "support/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "fovea/core/check.hpp"
#include "support/program.hpp"

namespace {

// Whether the terminal shows UTF-8, by the variables that say so, the first one that is set.
bool shows_utf8() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* const value = std::getenv(name); value && *value != 0) {
      const std::string_view text = value;
      for (const char* const utf8 : {"UTF-8", "utf-8", "UTF8", "utf8"})
        if (text.find(utf8) != text.npos) return true;
      return false;
    }
  return false;
}

}  // namespace

std::string progress_line(const std::string& title, double share,
                          const std::vector<std::string>& numbers, int columns, bool utf8) {
  // The last column stays free: some terminals go on to the next line when something stands in it.
  const auto room = static_cast<std::size_t>(std::max(columns - 1, 0));
  const std::string percent = fovea::formatted(100 * share, 0, 'f') + " %";
  const std::string start = title + "  ";
  std::size_t used = start.size() + 5;  // "100 %"
  std::string end;
  for (const std::string& number : numbers) {
    if (used + 2 + number.size() > room) break;
    used += 2 + number.size();
    end += "  " + number;
  }
  std::string bar;
  if (constexpr std::size_t least = 5, most = 30; room >= used + least + 1) {
    const std::size_t width = std::min(room - used - 1, most);
    const auto full = static_cast<std::size_t>(static_cast<double>(width) * share);
    for (std::size_t i = 0; i < width; ++i)
      bar += i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : ".");
    bar += ' ';
  } else if (used > room) {
    return (start + percent).substr(0, room);
  }
  return start + bar + std::string(5 - std::min<std::size_t>(5, percent.size()), ' ') + percent +
         end;
}

void print_parts(const std::vector<std::string>& parts) {
  // The last column stays free here, too.
  const std::size_t room = isatty(STDOUT_FILENO) == 1
                               ? static_cast<std::size_t>(std::max(output_columns() - 1, 0))
                               : SIZE_MAX;
  std::size_t used = 0;
  for (const std::string& part : parts) {
    const bool fits = used + 2 + part.size() <= room;
    if (used > 0) std::fputs(fits ? "  " : "\n  ", stdout);
    used = (used > 0 ? (fits ? used : 0) + 2 : 0) + part.size();
    std::fputs(part.c_str(), stdout);
  }
  std::puts("");
}

Progress::Progress(std::string title, long total, bool quiet)
    : title_(std::move(title)), total_(total), quiet_(quiet), redraws_(can_redraw()) {}

Progress::~Progress() { finish(); }

void Progress::finish() {
  if (drawn_) std::fputs("\033[J", stdout);
  drawn_ = false;
  std::fflush(stdout);
}

void Progress::update(long done, double loss) {
  if (quiet_) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  show(done, {"loss " + fovea::formatted(loss, 4, 'f'),
              fovea::formatted(static_cast<double>(done) / seconds, 0, 'f') + " images/s"});
}

void Progress::update(long done) {
  if (!quiet_) show(done, {});
}

void Progress::show(long done, std::vector<std::string> numbers) {
  using Seconds = std::chrono::duration<double>;
  const auto now = Clock::now();
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  if (!redraws_) {
    const long tenths = 10 * done / total_;
    if (tenths == tenths_) return;
    tenths_ = tenths;
    std::printf("%s  %3ld %%", title_.c_str(), 10 * tenths);
    for (const std::string& number : numbers) std::printf("  %s", number.c_str());
    std::puts("");
    std::fflush(stdout);
    return;
  }
  if (done < total_ && Seconds(now - last_).count() < 0.1) return;
  last_ = now;
  const double left = Seconds(now - start_).count() * static_cast<double>(total_ - done) /
                      static_cast<double>(std::max(done, 1L));
  numbers.push_back(fovea::formatted(left, 0, 'f') + " s left");
  // The cursor goes back to the start of the line. So a terminal that was made narrower, and has broken the
  // line in two, has it at the first of them, and what is cleared is all of the line.
  std::printf("\033[J%s\r",
              progress_line(title_, share, numbers, output_columns(), shows_utf8()).c_str());
  std::fflush(stdout);
  drawn_ = true;
}
