// SPDX-License-Identifier: MIT
#include "support/program.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "fovea/core/build_info.hpp"
#include "fovea/core/check.hpp"

namespace {

volatile std::sig_atomic_t requested = 0;

void on_interrupt(int signal) {
  requested = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupt(bool terminate_too) {
  std::signal(SIGINT, on_interrupt);
  if (terminate_too) std::signal(SIGTERM, on_interrupt);
}
bool interrupted() { return requested != 0; }
void interrupt() { requested = 1; }

SilentErrors::SilentErrors(bool silent) {
  const int nothing = silent ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
  if (nothing < 0) return;
  kept_ = dup(STDERR_FILENO);
  dup2(nothing, STDERR_FILENO);
  close(nothing);
}
SilentErrors::~SilentErrors() {
  if (kept_ < 0) return;
  dup2(kept_, STDERR_FILENO);
  close(kept_);
}

int end_of_output(const std::string& program, int status) {
  const char* why = std::fflush(stdout) != 0 ? std::strerror(errno) : nullptr;
  if (!why && std::ferror(stdout) != 0) why = "an earlier part was lost";
  if (!why) return status;
  std::fprintf(stderr, "%s: standard output: cannot be written (%s)\n", program.c_str(), why);
  return status == 0 ? bad_input_status : status;
}

std::string build_line(int threads) {
  const auto info = fovea::build_info();
  return fovea::concat(
      "fovea ", info.version, ", ", info.compiler, ", ", info.isa, ", ", threads,
      threads == 1 ? " thread" : " threads", info.openmp ? "" : " (built without OpenMP)",
      info.optimised
          ? ""
          : "\nWarning: built without optimisation, some fifty times slower than a Release build.");
}

bool can_redraw() {
  const char* const terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && terminal && *terminal != 0 &&
         std::string_view(terminal) != "dumb";
}

int output_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* const variable = std::getenv("COLUMNS");
  const std::string_view text = variable ? variable : "";
  int columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  return error == std::errc{} && end == text.data() + text.size() && columns > 0 ? columns : 80;
}

int run_program(const std::string& program, const std::function<int()>& run) {
  int status = bad_input_status;
  try {
    status = run();
  } catch (const Interrupted&) {
    std::fprintf(stderr, "%s: stopped by Ctrl-C\n", program.c_str());
    status = interrupted_status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), fovea::one_line(error.what()).c_str());
  }
  return end_of_output(program, status);
}
