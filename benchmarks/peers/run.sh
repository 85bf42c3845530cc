#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Measures fovea against other libraries on this machine, in turn, and writes the tables into
# docs/performance.md. It installs what it compares with and builds everything in build/peers.
#
#   benchmarks/peers/run.sh [--data DIR] [--only PART[,PART]...] [--quick] [--no-install]
#
# DIR holds the four IDX files of MNIST, unpacked or .gz; default: FOVEA_DATA_DIR, then data/mnist.
# PART is train, roofline, inference, conv, gemm, others or footprint; default: all of them.
# --quick only tries whether everything runs: tiny data, one round, tables in build/peers/quick.md.
set -euo pipefail
start=$PWD
cd "$(dirname "$(realpath "$0")")/../.."
. scripts/install.sh
yes=1

data=${FOVEA_DATA_DIR:-data/mnist}
only=train,roofline,inference,conv,gemm,others,footprint
install=1
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --data) data=${2:?--data needs a directory}; shift ;;
    --only) only=${2:?--only needs the name of a part}; shift ;;
    --quick) options+=(--quick) ;;
    --no-install) install=0 ;;
    -h | --help) sed -n '4,11s/^# \{0,1\}//p' benchmarks/peers/run.sh; exit 0 ;;
    *) echo "run.sh: $1 is no option of mine; --help lists them." >&2; exit 2 ;;
  esac
  shift
done
for part in ${only//,/ }; do
  case $part in
    train | roofline | inference | conv | gemm | others | footprint) ;;
    *) echo "run.sh: there is no part $part; --help lists them." >&2; exit 2 ;;
  esac
done
# A relative directory is meant from where the command was typed, or from the checkout.
case $data in /*) ;; *) if [ -d "$start/$data" ]; then data=$start/$data; fi ;; esac
[ -d "$data" ] || { echo "run.sh: $data is not a directory; give --data DIR with the files of MNIST." >&2; exit 2; }

out=build/peers
missing=$out/missing.txt
mkdir -p "$out"
: > "$missing"
wants() { local part; for part in "$@"; do case ,$only, in *,"$part",*) return 0 ;; esac; done; return 1; }

# What cannot be installed is written down, and the run goes on without it.
ask() {
  needed=()
  need "$@"
  [ ${#needed[@]} = 0 ] && return
  [ "$install" = 1 ] && install_needed || true
  needed=()
  need "$@"
  local package
  for package in "${needed[@]}"; do echo "Debian package $package could not be installed" >> "$missing"; done
  needed=()
}
if is_debian; then
  ask g++ make cmake libeigen3-dev libcli11-dev nlohmann-json3-dev libstb-dev zlib1g-dev libbenchmark-dev
  if wants train roofline inference; then ask python3-torch python3-numpy libopenblas-openmp-dev; fi
  if wants conv; then ask libdnnl-dev; fi
  if wants gemm; then ask libopenblas-openmp-dev; fi
  # One by one: where one of the two is not to be had, the other still is.
  if wants others; then ask libopenblas-dev libdlib-dev; ask tiny-dnn libcereal-dev libgemmlowp-dev; fi
  if wants inference; then command -v npm > /dev/null || ask nodejs npm; fi
else
  echo "This is neither Debian nor Ubuntu: peers that are not installed are left out." >&2
fi

runtime=1.30.0
if wants inference && [ ! -d "$out/node_modules/onnxruntime-node" ]; then
  # Its install script would fetch parts for graphics cards; the processor needs none.
  { [ "$install" = 1 ] &&
    npm install --prefix "$out" --ignore-scripts --no-audit --no-fund --silent "onnxruntime-node@$runtime"; } ||
    echo "onnxruntime-node $runtime could not be installed" >> "$missing"
fi

# program NAME SOURCE FLAG... compiles one program; a peer that does not compile is left out.
common=(-O3 -fopenmp -fno-math-errno -I include -I . -I benchmarks/peers -isystem /usr/include/eigen3)
program() {
  local name=$1 source=$2
  shift 2
  echo "Building $name"
  rm -f "$out/$name"
  "${CXX:-g++}" "${common[@]}" "benchmarks/peers/$source" -o "$out/$name" "$@" 2> "$out/$name.log" ||
    echo "$source could not be compiled, see $out/$name.log" >> "$missing"
}

cmake -S . -B "$out/fovea" -DCMAKE_BUILD_TYPE=Release -DFOVEA_BUILD_TESTS=OFF > "$out/cmake.log"
if wants train footprint; then cmake --build "$out/fovea" --target mnist_train > "$out/build.log"; fi
if wants conv; then cmake --build "$out/fovea" --target bench_kernels > "$out/build.log"; fi

# The program of the README, built as the README says: a project of its own with the library inside.
if wants train; then
  mkdir -p "$out/readme"
  cp examples/06_train_mnist.cpp "$out/readme/first.cpp"
  cat > "$out/readme/CMakeLists.txt" << TEXT
cmake_minimum_required(VERSION 3.20)
project(first LANGUAGES CXX)
add_subdirectory("$PWD" fovea)
add_executable(first first.cpp)
target_link_libraries(first PRIVATE fovea::fast)
TEXT
  cmake -S "$out/readme" -B "$out/readme/build" -DCMAKE_BUILD_TYPE=Release > "$out/cmake.log"
  cmake --build "$out/readme/build" --target first > "$out/build.log"
fi

if wants roofline others; then program fovea_train_native fovea_train.cpp -std=c++20 -march=native; fi
if wants roofline; then
  program fovea_train_v3 fovea_train.cpp -std=c++20 -march=x86-64-v3
  program fovea_train_generic fovea_train.cpp -std=c++20
fi
if wants inference; then program fovea_infer fovea_infer.cpp -std=c++20 -march=native; fi
if wants conv; then program onednn_conv onednn_conv.cpp -std=c++20 -march=native -ldnnl; fi
if wants gemm; then
  # OpenBLAS with OpenMP shares its threads with the other two; its own would spin in their way.
  blas=/usr/lib/$(uname -m)-linux-gnu/openblas-openmp
  program gemm_peers gemm_peers.cpp -std=c++20 -march=native -L"$blas" -Wl,-rpath,"$blas" -lopenblas
fi
if wants others; then
  program dlib_train dlib_train.cpp -std=c++17 -march=native -ldlib -lblas -llapack -lpthread
  # Debian's tiny-dnn looks for the stb headers where only its own source tree has them.
  mkdir -p "$out/third_party"
  ln -sfn /usr/include/stb "$out/third_party/stb"
  program tiny_dnn_train tiny_dnn_train.cpp -std=c++14 -march=native -w -I "$out" -DCNN_USE_OMP -DCNN_USE_AVX \
    -lpthread
fi

# Debian's own Python, for that is where python3-torch is.
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 benchmarks/peers/peers.py --data "$data" --only "$only" "${options[@]+"${options[@]}"}"
