#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Everything that takes too long to run with each change, and a table of what passed, when, on which
# commit: docs/status.md. All its rows are of one commit, so the first part of another begins it anew.
#
#   scripts/full.sh [PART...]     all parts, or these
#   scripts/full.sh --list        what there is
#
# FOVEA_BUILD_DIR is the build (build/release), made if need be; FOVEA_DATA_DIR where MNIST is, FOVEA_CIFAR_DIR
# where CIFAR-10 is. What a part prints is in FOVEA_BUILD_DIR/full/PART.log; its last line is its result.
#
# A new part is an entry of `shows` and a function part_NAME, whose status is 0, 77 to be skipped, or failed.
set -uo pipefail
cd "$(dirname "$(realpath "$0")")/.."
build=${FOVEA_BUILD_DIR:-build/release}
status=docs/status.md
export WRITE_IDX=$build/tests/write_idx
if [ -z "${FOVEA_DATA_DIR:-}" ] && ls data/mnist/t10k-images* > /dev/null 2>&1; then
  export FOVEA_DATA_DIR=$PWD/data/mnist
fi

parts=(headers suite kill checkpoint malformed exchange photos endurance random_networks random_run_time random_pytorch fuzz mutation coverage consumers mpi asan tsan compilers platforms explorer)
declare -A shows=(
  [headers]="every header compiles alone, as the first and only thing in its translation unit"
  [suite]="the networks of \`benchmarks/suite\` train and predict; \`benchmarks/suite/run.py\` measures them"
  [kill]="\`kill -9\` at 200 random moments of a training, then \`--resume\`, and at 20 of one with averages, batch normalisation, dropout and augmentation: the same bits, no unreadable file"
  [checkpoint]="the same bits for 1, 2, 3, 4 and 7 threads and after \`--resume\`; full disk, read-only disk, another run, two at once"
  [malformed]="malformed safetensors, npy, checkpoints and pictures: refused in words, little memory, the model unchanged"
  [exchange]="a trained network goes to PyTorch and comes back: the same logits on 10 000 test images"
  [photos]="\`mnist_predict\` reads photographs of all test digits as well as the originals"
  [endurance]="training, saving, loading and predicting in a loop for ENDURANCE_MINUTES (30): the same bits, memory flat within 1 %"
  [random_networks]="networks drawn at random agree with themselves in every way to run them, RANDOM_NETWORKS (300) fresh ones and 24 fixed"
  [random_run_time]="networks drawn while a program runs agree in every way to run them and allocate nothing after the first step, RANDOM_RUN_TIME (20000)"
  [random_pytorch]="networks drawn at random agree with PyTorch in float64, all gradients to 1e-10, RANDOM_PYTORCH (150) of them"
  [fuzz]="every reader of files under libFuzzer, ASan and UBSan, FUZZ_SECONDS (1200) of processor time each"
  [mutation]="mutants, each with one fault that a person could make: the tests see at least 95 % of them"
  [coverage]="lines of \`include/fovea\` that the unit tests run; tests/coverage/unreached.txt says why not the others"
  [consumers]="seven ways to include the library, two compilers, OpenMP on and off; components, flags, directories, packages, CMake 3.20 to 4 and tools"
  [mpi]="\`mnist_train\` and \`cifar_train\` on 1, 2, 3, 4, 5 and 8 ranks: one SHA-256; a rank killed MPI_KILLS (30) times, resumed on another number to the same"
  [asan]="the unit tests and the programs under AddressSanitizer and UndefinedBehaviorSanitizer"
  [tsan]="the unit tests under ThreadSanitizer"
  [compilers]="the unit tests on every instruction set, compiler and emulated processor, and in WebAssembly"
  [explorer]="the page that trains in a browser: speed, bits, own classes, drawings, bad input, accessibility, memory"
  [platforms]="the same bits in every build without fused multiply-add: compilers, libraries, threads, WebAssembly, processors"
)
passed() { sed -n 's/^\[doctest\] test cases: *[0-9]* | *\([0-9]*\) passed.*/\1/p' "$1" | tail -1; }
part_headers() { cmake --build "$build" --target headers_alone -j "$(nproc)" && echo "$(find include examples/charts examples/report -name '*.hpp' | wc -l) headers"; }
part_suite() {
  local network what
  cmake --build "$build" --target bench_suite -j "$(nproc)" || return
  for network in lenet5 course vgg resnet8 resnet20 mobile cifar; do
    for what in train predict; do "$build/benchmarks/bench_suite" $network $what 4 2 0.1 || return; done
  done
  echo "7 networks train and predict"
}
part_kill() {
  local result
  tests/programs/kill_and_resume.sh "$build/examples/mnist_train" 200 || return
  result=$(tail -1 "$log")
  WRITE_IDX='' EVERY=3 tests/programs/kill_and_resume.sh "$build/tests/train_colour" 20 &&
    echo "$result; with averages and augmentation: $(tail -1 "$log")"
}
part_checkpoint() { tests/programs/test_checkpoint.sh "$build/examples/mnist_train"; }
part_malformed() { tests/malformed/test_malformed.sh "$build/tests/try_load"; }
part_photos() { COUNT=10000 MNIST_TRAIN=$build/examples/mnist_train PHOTOS=$build/tests/photos \
  tests/programs/test_photos.sh "$build/examples/mnist_predict"; }
part_endurance() { "$build/tests/endurance" "${ENDURANCE_MINUTES:-30}"; }
part_random_networks() { tests/random_networks/run.py --fresh "${RANDOM_NETWORKS:-300}"; }
part_random_run_time() { OMP_WAIT_POLICY=passive "$build/tests/random_at_run_time" 2 0 "${RANDOM_RUN_TIME:-20000}"; }
part_random_pytorch() { tests/random_networks/run.py --pytorch --fixed 0 --fresh "${RANDOM_PYTORCH:-150}"; }
part_coverage() { tests/coverage/run.py --jobs "$(nproc)"; }
part_fuzz() { scripts/fuzz.sh "${FUZZ_SECONDS:-1200}"; }
part_mutation() { tests/mutation/run.py --jobs "$(nproc)"; }
# Python's package index has the CMakes that Debian has not, and Conan; what cannot be had is left out.
python_tools() {
  local tool=$build/full/${1%.\*}
  [ -x "$tool/bin/${1%%=*}" ] || { python3 -m venv "$tool" && "$tool/bin/pip" install -q "$1"; } >&2 || return
  realpath "$tool/bin/${1%%=*}"
}
part_consumers() {
  local test version cmakes="cmake"
  local -x FOVEA_CMAKES CONAN
  for version in 3.20 3.25 4; do cmakes+=" $(python_tools "cmake==$version.*")"; done
  FOVEA_CMAKES=$cmakes CONAN=$(python_tools conan)
  tests/consumers/run.sh && CXX=clang++-14 tests/house/test_mixed_flags.sh || return
  for test in components flags install projects packaging tools; do
    tests/consumers/$test.sh
    case $? in 0 | 77) ;; *) return 1 ;; esac
  done
}
part_mpi() {
  cmake --preset release -B "$build/mpi" -DFOVEA_MPI=ON -DFOVEA_BUILD_TESTS=OFF -DFOVEA_BUILD_BENCHMARKS=OFF &&
    cmake --build "$build/mpi" -j "$(nproc)" --target mnist_train cifar_train || return
  tests/mpi/test_programs.sh "$build/mpi/examples" "${MPI_KILLS:-30}"
}
part_asan() {
  local suppressed=$PWD/build/asan/lsan.txt count
  cmake --preset asan -DCMAKE_CXX_COMPILER=clang++-14 &&
    cmake --build --preset asan -j "$(nproc)" --target fovea_tests mnist_train mnist_predict mnist_explain write_idx photos || return
  printf "leak:%s\n" libomp.so argz_add_sep > "$suppressed"  # kept by clang's OpenMP for its threads, and lost by glibc for LOCPATH
  LSAN_OPTIONS=suppressions=$suppressed build/asan/tests/fovea_tests || return
  count=$(passed "$log")
  LSAN_OPTIONS=suppressions=$suppressed ctest --test-dir build/asan -R '^mnist_.*_program$' --no-tests=error --output-on-failure &&
    echo "$count cases and the tests of mnist_train, mnist_predict and mnist_explain passed, nothing was reported"
}
part_tsan() {
  cmake --preset tsan && cmake --build --preset tsan -j "$(nproc)" --target fovea_tests &&
    OMP_TOOL_LIBRARIES=/usr/lib/llvm-14/lib/libarcher.so TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
      build/tsan/tests/fovea_tests && echo "$(passed "$log") cases passed, nothing was reported"
}
part_compilers() { scripts/compilers.sh; }
part_platforms() {
  local -x BUILD_DIR
  BUILD_DIR=$(realpath "$build")/platforms
  tests/platforms/wasm_program.sh
  case $? in 0 | 77) JOBS=$(nproc) tests/platforms/same_bits.sh all ;; *) return 1 ;; esac
}
part_explorer() {
  local -x BUILD_DIR
  BUILD_DIR=$(realpath "$build")
  tests/explorer/test_explorer.sh bars
}
part_exchange() {
  local network result=
  for network in resnet18 resnet20; do
    tests/exchange/test_$network.py "$build/tests/$network"
    case $? in 0) result+="$(tail -1 "$log"); " ;; 77) ;; *) return 1 ;; esac
  done
  tests/exchange/test_pytorch.py "$build/examples/mnist_train" "$build/examples/mnist_predict" || return
  echo "$result$(tail -1 "$log")"
}

chosen=()
for argument in "$@"; do
  case $argument in
    --list)
      for part in "${parts[@]}"; do printf '%-12s %s\n' "$part" "${shows[$part]//\`/}"; done
      exit 0
      ;;
    *)
      [ -n "${shows[$argument]:-}" ] || { echo "full.sh: expected one of ${parts[*]}, or --list, found $argument" >&2; exit 2; }
      chosen+=("$argument")
      ;;
  esac
done
[ ${#chosen[@]} != 0 ] || chosen=("${parts[@]}")

# The commit, and whether the files are still those of the commit.
state() {
  local changes
  changes=$(git status --porcelain -- . ":!$status")
  echo "$(git rev-parse --short=10 HEAD)${changes:+ and changes}"
}
built=$(state)
case $built in *changes) echo "Not all changes are committed: the table will say \"$built\"." ;; esac

mkdir -p "$build/full"
if ! { cmake --preset release -B "$build" && cmake --build "$build" -j "$(nproc)" --target mnist_train mnist_predict write_idx try_load photos endurance random_at_run_time resnet18 resnet20 train_colour; } \
  > "$build/full/build.log" 2>&1; then
  tail -20 "$build/full/build.log" >&2
  echo "full.sh: the build failed; all of it is in $build/full/build.log" >&2
  exit 2
fi

# Puts the row of one part into the table and leaves the others of its commit; two runs of this script take turns.
record() {
  local row=$2 part line lock
  local -A rows
  exec {lock}> "$build/full/lock" && flock "$lock"
  while IFS= read -r line; do
    part=${line#| }
    part=${part%% |*}
    [[ $line == "| "*" | $now |" && -n ${shows[$part]:-} ]] && rows[$part]=$line
  done < <(cat "$status" 2> /dev/null)
  rows[$1]=$row
  {
    cat << 'TEXT'
# What has been shown

The tests that run with each change take minutes (`scripts/test.sh`). This page is about what takes longer; `scripts/full.sh`
runs it and writes the table. All rows are of one commit: what is not in the table was not run on it.

| part | what it shows | result | when | commit |
|---|---|---|---|---|
TEXT
    for part in "${parts[@]}"; do
      [ -z "${rows[$part]:-}" ] || echo "${rows[$part]}"
    done
  } > "$status.part" && mv "$status.part" "$status"
  exec {lock}>&-
}

failed=0
for part in "${chosen[@]}"; do
  log=$build/full/$part.log
  printf '%-12s' "$part"
  start=$SECONDS
  "part_$part" > "$log" 2>&1
  code=$?
  last=$(tail -1 "$log")
  took="$((SECONDS - start)) s"
  case $code in
    0) result=$last ;;
    77)
      echo "${last:-skipped} (no row)"
      continue
      ;;
    *)
      result="**failed** (status $code): $last"
      failed=$((failed + 1))
      ;;
  esac
  echo "$result ($took)"
  now=$(state)
  [ "$now" = "$built" ] || now="$built, changed meanwhile"
  record "$part" "| $part | ${shows[$part]} | ${result//|/\\|} | $(date -u '+%Y-%m-%d %H:%M UTC'), $took | $now |"
done
[ $failed = 0 ] || { echo "$failed failed; what they printed is in $build/full" >&2; exit 1; }
