# SPDX-License-Identifier: MIT
#
# Sourced by the tests here: what an external consumer has, in the directory $work, which is removed in the end.
#
#   $work/clone       a clone of this working tree, which nobody writes into
#   $work/installed   what cmake --install made of it
#   $work/moved here  the same, moved
#   $work/single      the single header, as <fovea/fovea.hpp>
#
# FOVEA_COMPILERS names the compilers. One that is not here is an error, for a table without it would be a lie;
# without the other tools the test is skipped.
set -euo pipefail
here=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -r -a compilers <<< "${FOVEA_COMPILERS:-g++ clang++-14}"
for tool in "${compilers[@]}"; do
  command -v "$tool" > /dev/null || { echo "$0: expected the compiler $tool, found none" >&2; exit 2; }
done
for tool in cmake git pkg-config python3; do
  command -v "$tool" > /dev/null || { echo "$0: skipped, for want of $tool"; exit 77; }
done
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; echo "$0: failed: $*" >&2; exit 1; }; }

# git names the files, so that no build directory comes along; without git it is an archive, and all come.
mkdir "$work/clone"
(cd "$root" && { git ls-files -z --cached --others --exclude-standard 2> /dev/null || find . -type f -print0; } |
  xargs -0 ls -d 2> /dev/null | tar -c -T - | tar -x -C "$work/clone")
quietly git -C "$work/clone" init -q -b main
quietly git -C "$work/clone" add -A
quietly git -C "$work/clone" -c user.name=consumer -c user.email=consumer@localhost commit -m "a clone"
quietly cmake -S "$work/clone" -B "$work/build" -DCMAKE_CXX_COMPILER="${compilers[0]}" -DFOVEA_BUILD_TESTS=OFF \
  -DFOVEA_BUILD_EXAMPLES=OFF -DFOVEA_BUILD_BENCHMARKS=OFF
quietly cmake --build "$work/build" --target single_header
mv "$work/build/single_header" "$work/single"
quietly cmake --install "$work/build" --prefix "$work/installed"
cp -r "$work/installed" "$work/moved here"
