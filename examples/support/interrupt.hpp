// SPDX-License-Identifier: MIT
//
// Ctrl-C: the first one is a request, which loops look at; the second one ends the program.
#pragma once

inline constexpr int interrupted_status = 130, bad_input_status = 2;

void catch_interrupt();
bool interrupted();

/// Thrown where there is nothing to keep.
struct Interrupted {};
inline void stop_if_interrupted() {
  if (interrupted()) throw Interrupted{};
}
