#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the page that trains a network in the browser: one file, build/explorer/index.html, which works from the
# disk and from any web server, and says how to open it.
#
#   scripts/explorer.sh [--mnist DIRECTORY] [DIRECTORY]     --mnist: with 4 000 digits of MNIST in the page;
#                                                           DIRECTORY: elsewhere than in build/explorer
#
# Needs Debian's emscripten, nlohmann-json3-dev and python3; status 77 without em++. FOVEA_EXPLORER_OPTIMISE (-O3) is
# how it is compiled.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
out=build/explorer mnist=
while [ $# -gt 0 ]; do
  case $1 in
    --mnist) mnist=${2:?explorer.sh: expected a directory after --mnist}; shift ;;
    -*) echo "explorer.sh: expected --mnist or a directory, found $1" >&2; exit 2 ;;
    *) out=$1 ;;
  esac
  shift
done
command -v em++ > /dev/null || { echo "explorer.sh: expected em++ (Debian: emscripten), found none" >&2; exit 77; }
json=$(dirname "$(realpath "$(echo '#include <nlohmann/json.hpp>' | g++ -x c++ -M - 2> /dev/null | tr ' \\' '\n\n' | grep -m1 'nlohmann/json.hpp$')")")
[ -f "$json/json.hpp" ] || { echo "explorer.sh: expected nlohmann/json.hpp (Debian: nlohmann-json3-dev), found none" >&2; exit 2; }
mkdir -p "$out/include"
ln -sfn "$json" "$out/include/nlohmann"

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}  # where Debian's em++ finds acorn
em++ -std=c++20 "${FOVEA_EXPLORER_OPTIMISE:--O3}" -msimd128 -fwasm-exceptions -s ALLOW_MEMORY_GROWTH=1 -s MODULARIZE=1 -s EXPORT_NAME=make_explorer \
  -s ENVIRONMENT=worker -s FILESYSTEM=0 -s "EXPORTED_RUNTIME_METHODS=['cwrap','UTF8ToString']" \
  -I include -I examples -I "$out/include" examples/explorer/all.cpp examples/explorer/explorer.cpp -o "$out/explorer.js"
python3 examples/explorer/page/assemble.py "$out/explorer.js" "$out/explorer.wasm" "$out/index.html" ${mnist:+"$mnist"}
echo "$out/index.html: open it in a browser, from the disk or from any web server"
