#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The figures of the book are what their program draws, byte for byte.
#
#   test_figures.sh PROGRAM DIRECTORY
set -euo pipefail
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$1" "$out"
for svg in "$2"/*.svg "$out"/*.svg; do
  cmp "$out/${svg##*/}" "$2/${svg##*/}"
done
[ "$(ls "$out" | wc -l)" -ge 20 ]
# Without a directory, one sentence and status 2.
status=0; words=$("$1" 2>&1 > "$out/stdout") || status=$?
[ "$status" = 2 ] && [ "$(printf '%s\n' "$words" | wc -l)" = 1 ] && [ ! -s "$out/stdout" ]
