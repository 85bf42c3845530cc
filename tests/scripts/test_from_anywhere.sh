#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The scripts find their files from wherever they are called, and through symbolic links.
#
#   tests/scripts/test_from_anywhere.sh
set -uo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# A clone whose name has spaces, with what the scripts read before they end.
clone="$work/a clone"
mkdir -p "$clone/docs" "$clone/benchmarks/peers" "$clone/tests"
cp -r "$root/scripts" "$clone/scripts"
cp -r "$root/tests/fuzz" "$root/tests/programs" "$clone/tests"
cp "$root/docs/build.sh" "$clone/docs"
cp "$root/benchmarks/peers/run.sh" "$clone/benchmarks/peers"
unset FOVEA_DATA_DIR MNIST_TRAIN

# Each script, with arguments that end it soon, and words that it says when it has found its files.
script=() arguments=() words=()
ends() { script+=("$1") arguments+=("$2") words+=("$3"); }
ends scripts/quickstart.sh "--yes --dataset cats" "expected mnist or fashion, found cats"
ends scripts/quickstart.sh "--help" "From a fresh clone"
ends scripts/quickstart.sh "--data" "--data: expected a directory, found nothing"
ends scripts/test.sh "--cats" "unknown option --cats"
ends scripts/full.sh "--list" "malformed"
ends scripts/full.sh "cats" "or --list, found cats"
ends scripts/compilers.sh "cats" "expected one of"
ends scripts/fuzz.sh "1 idx cats" "expected one of the readers in tests/fuzz, found cats"
ends scripts/release.sh "--cats" "expected --draft or a directory, found --cats"
ends scripts/explorer.sh "--cats" "expected --mnist or a directory, found --cats"
ends scripts/seeds.sh "mnist 1 1" "build first"
ends docs/build.sh "--cats" "expected --look or a directory, found --cats"
ends benchmarks/peers/run.sh "--help" "Measures fovea against other libraries"
ends tests/programs/test_photos.sh "/nonexistent" "skipped"

# says HOW WORDS COMMAND...: the output of the command has the words, and no file is missing.
says() {
  local how=$1 words=$2 said
  shift 2
  said=$("$@" 2>&1 < /dev/null) || true
  grep -qF -e "$words" <<< "$said" || fail "$how: expected '$words', got: $said"
  ! grep -E 'No such file|install.sh|external_consumer.sh' <<< "$said" || fail "$how: says the above"
}
mkdir "$work/bin" "$work/links of mine"
for i in "${!script[@]}"; do
  path=$clone/${script[$i]} name=$(basename "${script[$i]}")
  read -r -a args <<< "${arguments[$i]}"
  ln -sfn "$path" "$work/bin/$name"                     # absolute
  ln -sfn "../bin/$name" "$work/links of mine/$name"     # relative, and a chain
  ln -sfn "links of mine/$name" "$work/$name"            # a chain of three
  ln -sfn "$(dirname "$path")" "$work/directory"
  ln -sfn "$clone" "$work/link"
  cd "$clone" && says "${script[$i]}" "${words[$i]}" "${script[$i]}" "${args[@]}"
  says "bash ${script[$i]}" "${words[$i]}" bash "${script[$i]}" "${args[@]}"
  cd "$(dirname "$path")" && says "bash $name" "${words[$i]}" bash "$name" "${args[@]}"
  cd / && says "$name by its path" "${words[$i]}" "$path" "${args[@]}"
  says "$name, absolute link" "${words[$i]}" "$work/bin/$name" "${args[@]}"
  says "$name, chain" "${words[$i]}" "$work/$name" "${args[@]}"
  says "$name, a link to its directory" "${words[$i]}" "$work/directory/$name" "${args[@]}"
  says "$name, a link to the clone" "${words[$i]}" "$work/link/${script[$i]}" "${args[@]}"
  PATH=$work/bin:$PATH says "$name, in PATH" "${words[$i]}" "$name" "${args[@]}"
  cd "$work/links of mine" && says "$name, relative link" "${words[$i]}" "./$name" "${args[@]}"
  says "bash $name, relative link" "${words[$i]}" bash "$name" "${args[@]}"
  cd "$work" && says "$name, a link in a directory with spaces" "${words[$i]}" "links of mine/$name" "${args[@]}"
  cd "$clone" && CDPATH=$work:/tmp:/ says "$name, CDPATH" "${words[$i]}" "${script[$i]}" "${args[@]}"
done

# The same holds for the scripts that take too long to be tried here.
! grep -rn --include='*.sh' -E '(cd|\.) "\$\(dirname "\$(0|\{BASH_SOURCE)' "$root/scripts" "$root/tests" "$root/docs" \
  "$root/benchmarks" || fail "the above lose their files behind a link: expected realpath"

[ $failures = 0 ] && echo "from anywhere: all is well"
