#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the page of scripts/explorer.sh, compiled in less time than for readers, and a native program without
# fused multiply-add, and tries the one beside the other in a browser. Status 77 without em++ or a browser.
#
#   tests/explorer/test_explorer.sh          quick
#   tests/explorer/test_explorer.sh bars     the page as readers have it, and all that is promised: half an hour
set -euo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
out=${BUILD_DIR:-$root/build}/explorer_test
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "explorer: skipped, no python3"; exit 77; }
for tool in em++ chromium chromedriver; do
  command -v $tool > /dev/null || { echo "explorer: skipped, no $tool"; exit 77; }
done
"$python" -c "import selenium" 2> /dev/null || { echo "explorer: skipped, no python3-selenium"; exit 77; }
mkdir -p "$out"
cd "$root"
# This machine without fused multiply-add: x86-64 has none unless asked, other processors contract unless told.
if [ "$(uname -m)" = x86_64 ]; then plain=-march=x86-64; else plain=-ffp-contract=off; fi
native() { "${CXX:-g++}" -std=c++20 "$1" $plain -I include -I examples "${@:3}" -o "$out/$2"; }
if [ "${1:-quick}" = bars ]; then
  scripts/explorer.sh "$out"
  native -O3 reference tests/explorer/reference.cpp
  native -O2 answers examples/explorer/all.cpp tests/explorer/answers.cpp
  "$python" tests/explorer/test_explorer.py "$out/index.html" "$out/reference"
  "$python" tests/explorer/test_bars.py "$out/index.html" "$out/reference" "$out/answers"
else
  FOVEA_EXPLORER_OPTIMISE=-O1 scripts/explorer.sh "$out"
  native -O1 reference tests/explorer/reference.cpp
  "$python" tests/explorer/test_explorer.py "$out/index.html" "$out/reference"
fi
