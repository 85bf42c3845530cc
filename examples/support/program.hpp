// SPDX-License-Identifier: MIT
//
// What every program does around its work: errors are sentences on standard error, and the status says
// whether all went well, what was printed included. Ctrl-C: the first one is a request, which loops look at;
// the second one ends the program.
#pragma once

#include <functional>
#include <string>

inline constexpr int interrupted_status = 130, bad_input_status = 2;

/// `terminate_too`: SIGTERM means the same, which is what mpirun makes of Ctrl-C.
void catch_interrupt(bool terminate_too = false);
bool interrupted();
/// As if it had been pressed.
void interrupt();

/// Standard error says nothing while this exists, if it is not wanted.
class SilentErrors {
 public:
  explicit SilentErrors(bool silent);
  ~SilentErrors();
  SilentErrors(const SilentErrors&) = delete;
  SilentErrors& operator=(const SilentErrors&) = delete;

 private:
  int kept_ = -1;
};

/// Thrown where there is nothing to keep.
struct Interrupted {};
inline void stop_if_interrupted() {
  if (interrupted()) throw Interrupted{};
}

/// `status`, unless standard output, a full disk or a closed one, did not take all that was printed: then a
/// sentence is told, and a status of 0 becomes 2.
int end_of_output(const std::string& program, int status);

/// "fovea 0.1.0, g++ 12.2, avx512, 2 threads", and below it a warning if nothing is optimised.
std::string build_line(int threads);

/// Whether a line on standard output can be drawn again: on a terminal that is not a "dumb" one.
bool can_redraw();
/// The width of that terminal now, else COLUMNS, else 80.
int output_columns();

/// The body of a main: what `run` returns, or a sentence and status 2 for what it throws.
int run_program(const std::string& program, const std::function<int()>& run);
