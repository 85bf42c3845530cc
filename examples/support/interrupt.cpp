// SPDX-License-Identifier: MIT
#include "support/interrupt.hpp"

#include <csignal>

namespace {

volatile std::sig_atomic_t requested = 0;

void on_interrupt(int signal) {
  requested = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupt() { std::signal(SIGINT, on_interrupt); }
bool interrupted() { return requested != 0; }
