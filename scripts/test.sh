#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds everything and passes all tests. Installs what is missing (asks first).
#
#   scripts/test.sh [--yes]
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
. scripts/install.sh
for argument in "$@"; do
  case $argument in
    --yes) yes=1 ;;
    *) echo "test.sh: unknown option $argument (only --yes)" >&2; exit 2 ;;
  esac
done

if is_debian; then
  need g++ make cmake libeigen3-dev libcli11-dev nlohmann-json3-dev libstb-dev zlib1g-dev libpng-dev libjpeg-dev \
    doctest-dev libbenchmark-dev git pkg-config python3
  install_needed
else
  explain_elsewhere
fi

cmake --preset release -DFOVEA_BUILD_TESTS=ON -DFOVEA_BUILD_BENCHMARKS=ON ${FOVEA_CMAKE_ARGS:-} > /dev/null
cmake --build build/release -j "$(jobs)"
ctest --preset release -j "$(jobs)" ${FOVEA_CTEST_ARGS:-}
