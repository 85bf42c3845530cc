#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Who asks for neither wing never meets zlib, JSON or stb; who asks for one that cannot be had is told why.
# Also: no flag is forced on anyone, and no installed file knows where it stands.
#
#   FOVEA_COMPILERS=g++ tests/consumers/wings.sh
. "$(dirname "$0")/stranger.sh"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

installed=(-DCMAKE_PREFIX_PATH="$work/installed")
stb=$(cd "$work/build" && sed -n 's/^FOVEA_STB_INCLUDE_DIR:PATH=//p' CMakeCache.txt)
hidden=(-DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON
        -DCMAKE_IGNORE_PATH="$stb")

# configured WORDS OPTION...: whether CMake configures the project; its output, in one line, has the words.
configured() {
  local words=$1 status=0
  rm -rf "$work/consumer"
  cmake -S "$here/wings" -B "$work/consumer" -DCMAKE_CXX_COMPILER="${compilers[0]}" "${@:2}" > "$work/said" 2>&1 ||
    status=1
  tr -s ' \n' ' ' < "$work/said" | grep -qF -e "$words" || fail "${*:2}: expected '$words', got: $(cat "$work/said")"
  return $status
}
accepted() { configured "Configuring done" "$@" || fail "$*: expected to be accepted, got: $(cat "$work/said")"; }
refused() { ! configured "$@" || fail "${*:2}: expected to be refused"; }

# Both wings, as they should be.
accepted "${installed[@]}" -DWINGS="io;viz"
quietly cmake --build "$work/consumer" --target uses_io uses_viz
for wing in io viz; do "$work/consumer/uses_$wing" || fail "uses_$wing: wrong answer"; done

# Neither: nothing is looked for, and a machine that has none of it will do, for the installed one and the clone.
accepted "${installed[@]}"
! grep -E '^(ZLIB|nlohmann|FOVEA_STB)' "$work/consumer/CMakeCache.txt" || fail "nobody asked for the above"
accepted "${installed[@]}" "${hidden[@]}"
accepted -DFOVEA="$work/clone" "${hidden[@]}"
quietly cmake --build "$work/consumer" --target program
"$work/consumer/program" OFF > /dev/null || fail "program: wrong answer"

# One that cannot be had, one that does not exist, a version that is not this one.
refused "fovea::io needs zlib (Debian: zlib1g-dev) and nlohmann/json" "${installed[@]}" "${hidden[@]}" -DWINGS="io"
refused "fovea::viz needs stb_image_write.h" "${installed[@]}" "${hidden[@]}" -DWINGS="viz"
refused "there are io and viz" "${installed[@]}" -DWINGS="tail"
refused "requested version \"99\"" "${installed[@]}" -DVERSION=99
accepted "${installed[@]}" -DVERSION=0.1

# The book includes nothing but the standard library (and omp.h).
"${compilers[0]}" -std=c++20 -fopenmp -M -include fovea/fovea.hpp -x c++ /dev/null -I "$work/installed/include" \
  -I /usr/include/eigen3 > "$work/dependencies"
grep -q 'fovea/nn/conv2d.hpp' "$work/dependencies" || fail "fovea.hpp: expected to include conv2d.hpp"
! grep -iE 'eigen|zlib|zconf|nlohmann|stb_|fovea/(io|viz)/' "$work/dependencies" || fail "fovea.hpp includes the above"

! grep -rIl -e "$work" -e "$root" "$work/installed" || fail "absolute paths in the installed files above"

[ $failures = 0 ] && echo "wings: all is well"
