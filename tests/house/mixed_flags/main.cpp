// SPDX-License-Identifier: MIT
//
// One program of two units with different flags; status 0 if both train.
#include <cstdio>

double plain_percent();
double native_percent();

int main() {
  const double plain = plain_percent(), native = native_percent();
  std::printf("right: %.1f %% in the plain unit, %.1f %% in the native one\n", plain, native);
  return plain > 90 && native > 90 ? 0 : 1;
}
