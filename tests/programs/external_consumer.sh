# SPDX-License-Identifier: MIT
#
# Sourced by the tests of the programs: $program is what is tried, $work a directory of its own, and a
# failure is counted and said.
set -uo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset FOVEA_DATA_DIR
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# refused WORDS ARGUMENTS...: status 2, one line on standard error with these words, nothing written.
refused() {
  local words=$1
  shift
  rm -rf "$work/bad"
  "$program" --out "$work/bad" "$@" > "$work/stdout" 2> "$work/stderr"
  local status=$?
  [ $status = 2 ] || fail "$*: status $status instead of 2"
  [ "$(wc -l < "$work/stderr")" = 1 ] || fail "$*: not one line: $(cat "$work/stderr")"
  grep -qF -e "$words" "$work/stderr" || fail "$*: expected '$words', got: $(cat "$work/stderr")"
  [ -z "$(ls -A "$work/bad" 2> /dev/null)" ] || fail "$*: wrote $(ls -A "$work/bad")"
}
