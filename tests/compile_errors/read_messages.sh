#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compiles the mistakes in this directory, one in each file. The first lines of the compiler's message must have
# the words after "// expected: ", and a file without its mistake, the README's program, must compile. g++ lists the way
# to a layer inside another one before it says what is wrong with it: such a file says "// lines: 16".
#
#   CXX=g++ tests/compile_errors/read_messages.sh
set -uo pipefail
here=$(cd "$(dirname "$(realpath "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
CXX=${CXX:-g++}
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
compile() { "$CXX" -std=c++20 -fsyntax-only -I "$root/include" "$@"; }

count=0
for file in "$here"/*.cpp; do
  name=$(basename "$file")
  expected=$(sed -n 's|^// expected: ||p' "$file")
  lines=$(sed -n 's|^// lines: ||p' "$file")
  lines=${lines:-8}
  [ -n "$expected" ] || fail "$name: expected a line '// expected: ...'"
  if message=$(compile $(sed -n 's|^// options: ||p' "$file") "$file" 2>&1); then
    fail "$name: expected an error, it compiles"
  elif ! head -n $lines <<< "$message" | grep -qF -e "$expected"; then
    fail "$name: expected '$expected' in the first $lines lines, found:"$'\n'"$(head -n $lines <<< "$message")"
  fi
  count=$((count + 1))
done
[ $count -ge 10 ] || fail "expected ten mistakes or more, found $count"
compile "$root/examples/06_train_mnist.cpp" || fail "a program without a mistake: expected to compile"
[ $failures = 0 ] && echo "compile errors: $count mistakes are named"
