#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the unit tests for one kind of machine after the other and runs them: instruction sets,
# compilers, C++ libraries (libcxx: clang's own), checkers, and foreign processors under emulation.
#
#   scripts/compilers.sh                 every kind
#   scripts/compilers.sh avx2 s390x      these
#   scripts/compilers.sh --list          what kinds there are, and which Debian packages they need
#
# Prints one line for each kind, "kind: passed, ..." or "kind: FAILED, ..." or "kind: skipped, ...", and all of
# it in one line at the end; the status is 1 if one failed. Writes nothing but its builds and logs,
# build/kinds/KIND. JOBS=2 compiles two files at once.
#
# The foreign kinds leave out what needs zlib, which Debian has for this machine's own processor alone
# unless it is told of another one. clang 19 borrows the OpenMP of clang 14, for Debian installs one at a time.
set -uf -o pipefail
cd "$(dirname "$(realpath "$0")")/.."

omp14=/usr/lib/llvm-14/lib
emscripten=/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake
foreign() { echo "-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=$1 -DCMAKE_CXX_COMPILER=$1-linux-gnu-g++
  -DCMAKE_CROSSCOMPILING_EMULATOR=qemu-$1-static;-L;/usr/$1-linux-gnu -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON"; }

# Sets flags (of the compiler), options (of cmake), packages (of Debian), run (in front of the tests), suffix
# (after their name).
kind() {
  flags= options=-DCMAKE_CXX_COMPILER=g++-12 packages=g++-12 run= suffix=
  case $1 in
    avx512) flags=-march=x86-64-v4 ;;
    avx2) flags=-march=x86-64-v3 ;;
    plain) flags=-march=x86-64 options+=" -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON" ;;
    clang14) flags=-march=native options=-DCMAKE_CXX_COMPILER=clang++-14 packages="clang-14 libomp-14-dev" ;;
    libcxx)
      flags="-march=native -stdlib=libc++" options=-DCMAKE_CXX_COMPILER=clang++-14
      packages="clang-14 libomp-14-dev libc++-14-dev libc++abi-14-dev" ;;
    clang19)
      flags="-march=native -idirafter $omp14/clang/14.0.6/include -L$omp14 -Wl,-rpath,$omp14"
      options=-DCMAKE_CXX_COMPILER=clang++-19 packages="clang-19 libomp-14-dev" ;;
    aarch64 | s390x)
      options=$(foreign "$1") packages="g++-${1}-linux-gnu qemu-user-static"
      run="qemu-$1-static -L /usr/$1-linux-gnu" ;;
    wasm)
      flags="-msimd128 -fwasm-exceptions -sALLOW_MEMORY_GROWTH=1 -sNODERAWFS=1"
      options="-DCMAKE_TOOLCHAIN_FILE=$emscripten -DCMAKE_PROJECT_INCLUDE=$PWD/tests/platforms/emscripten.cmake
        -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=BOTH
        -DCMAKE_CROSSCOMPILING_EMULATOR=node;--no-experimental-fetch -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON"
      packages="emscripten nodejs" run="node --no-experimental-fetch" suffix=.js ;;
    assertions) flags="-march=x86-64-v3 -D_GLIBCXX_ASSERTIONS" ;;
    memcheck)
      flags="-march=x86-64 -g" options+=" -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON" packages+=" valgrind"
      run="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite" ;;
    *) return 1 ;;
  esac
}
all="avx512 avx2 plain clang14 libcxx clang19 assertions memcheck aarch64 s390x wasm"
export NODE_PATH=/usr/share/nodejs  # where em++ finds acorn

# Which tests run: under valgrind, trainings and what they are made of; emulated, all but two long trainings; in
# WebAssembly, what it has.
selection() {
  case $1 in
    memcheck)
      local parts="blocks:?ties* blocks:?gradients* numerics* contract* Adam* gemm* conv* batches*"
      parts+=" the?same?bits* predictor* sequential* concurrency* checkpoint* safetensors*"
      echo "--test-case=${parts// /,}" ;;
    wasm)  # no threads, no locks between processes, and its long double functions are those of double
      echo "--test-case-exclude=concurrency*,predictor:?several*,checkpoint:?one?process*,math:?exp*,math:?log*,math:?tanh*,math:?pow*" ;;
    aarch64 | s390x) echo "--test-case-exclude=attacks:?the?loss*,fast_fgsm*" ;;
  esac
}

if [ "${1:-}" = --list ]; then
  for name in $all; do kind "$name" && echo "$name: $packages"; done
  exit
fi

failed=0
told=()
tell() {
  echo "$1"
  told+=("$1")
}
for name in ${*:-$all}; do
  kind "$name" || { echo "compilers: expected one of $all, got $name" >&2; exit 2; }
  build=build/kinds/$name
  # shellcheck disable=SC2086
  if ! dpkg -s $packages > /dev/null 2>&1; then
    tell "$name: skipped, for want of a package among $packages"
    continue
  fi
  if [ "$name" = avx512 ] && ! grep -q avx512vl /proc/cpuinfo; then
    tell "$name: skipped, this processor has no AVX-512"
    continue
  fi
  mkdir -p "$build"
  if ! {
    # shellcheck disable=SC2086
    cmake -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 "-DCMAKE_CXX_FLAGS=$flags" \
      -DFOVEA_ARCH=none -DFOVEA_BUILD_EXAMPLES=OFF -DFOVEA_BUILD_BENCHMARKS=OFF $options &&
      cmake --build "$build" -j "${JOBS:-2}" --target fovea_tests
  } > "$build/build.log" 2>&1; then
    tell "$name: FAILED to build, see $build/build.log"
    failed=1
    continue
  fi
  # shellcheck disable=SC2046,SC2086
  if $run "$build/tests/fovea_tests$suffix" $(selection "$name") > "$build/tests.log" 2>&1; then
    tell "$name: passed, $(sed -n 's/^\[doctest\] test cases: *//p' "$build/tests.log")"
  else
    tell "$name: FAILED, see $build/tests.log"
    failed=1
  fi
done
(IFS=';' && echo "${told[*]}" | sed -E 's/;/; /g; s/([0-9]+) \| *\1 passed[^;]*/\1 cases/g')
exit $failed
