#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# From a fresh clone to a trained network and its pictures: installs what is missing (asks first),
# finds or fetches MNIST, builds in Release and runs mnist_train.
#
#   scripts/quickstart.sh [--yes] [--data DIR] [--explain] [other options of mnist_train]
#
# With --explain it runs mnist_explain instead, which also looks into the network: out/report.html.
set -euo pipefail
here=$PWD
cd "$(dirname "$(realpath "$0")")/.."
. scripts/install.sh

refuse() { echo "quickstart.sh: $*" >&2; exit 2; }
data=${FOVEA_DATA_DIR:-}
dataset=mnist
program=mnist_train
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=1 ;;
    --explain) program=mnist_explain ;;
    --data) data=${2-}; [ $# -gt 1 ] || refuse "--data: expected a directory, found nothing"; shift ;;
    --data=*) data=${1#--data=} ;;
    --dataset) dataset=${2-}; [ $# -gt 1 ] || refuse "--dataset: expected mnist or fashion, found nothing"; shift ;;
    --dataset=*) dataset=${1#--dataset=} ;;
    -h | --help) sed -n '4,/^set/{ s/^# \{0,1\}//; /^set/!p; }' scripts/quickstart.sh; exit 0 ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
case $dataset in mnist | fashion) ;; *) refuse "--dataset: expected mnist or fashion, found $dataset" ;; esac

if is_debian; then
  need g++ make cmake libeigen3-dev libcli11-dev nlohmann-json3-dev libstb-dev zlib1g-dev libpng-dev libjpeg-dev
  install_needed
else
  explain_elsewhere
fi

# Fetches the four files of MNIST into data/mnist, each checked against its published SHA-256.
fetch_mnist() {
  local mirror file hash target=data/mnist
  command -v curl > /dev/null || command -v wget > /dev/null || { is_debian && need curl ca-certificates && install_needed; } || return 1
  mkdir -p "$target"
  while read -r hash file; do
    [ -f "$target/$file" ] && echo "$hash  $target/$file" | sha256sum --check --status && continue
    for mirror in https://ossci-datasets.s3.amazonaws.com/mnist https://storage.googleapis.com/cvdf-datasets/mnist; do
      if command -v curl > /dev/null; then
        curl --fail --silent --location --connect-timeout 5 --max-time 60 -o "$target/$file.part" "$mirror/$file" || continue
      else
        wget --quiet --tries=1 --connect-timeout=5 --timeout=60 -O "$target/$file.part" "$mirror/$file" || continue
      fi
      if echo "$hash  $target/$file.part" | sha256sum --check --status; then
        mv "$target/$file.part" "$target/$file"
        break
      fi
      echo "What $mirror sent for $file has the wrong hash; it is not used." >&2
    done
    rm -f "$target/$file.part"
    [ -f "$target/$file" ] || { rmdir "$target" data 2> /dev/null; return 1; }
  done <<'HASHES'
440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 train-images-idx3-ubyte.gz
3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c train-labels-idx1-ubyte.gz
8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6 t10k-images-idx3-ubyte.gz
f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6 t10k-labels-idx1-ubyte.gz
HASHES
}

use_fashion() {
  dataset=fashion
  data=/usr/share/datasets/fashion-mnist
  if [ ! -d "$data" ] && is_debian; then
    need dataset-fashion-mnist
    install_needed
  fi
}

if [ -n "$data" ]; then
  [ "${data#/}" != "$data" ] || data=$here/$data
  echo "Data: $data (as given)"
elif [ "$dataset" = fashion ]; then
  use_fashion
elif ls data/mnist/train-images* > /dev/null 2>&1; then
  data=data/mnist
  echo "Data: MNIST from data/mnist"
elif echo "Data: fetching MNIST (11 MB) ..." && fetch_mnist; then
  data=data/mnist
  echo "Data: MNIST, downloaded into data/mnist, hashes verified"
else
  echo "Data: the mirrors of MNIST cannot be reached, so this trains on Fashion-MNIST instead: ten kinds of"
  echo "      clothing in the same format, about 89.5 % instead of 98.9 %."
  use_fashion
fi

cmake --preset release -DFOVEA_BUILD_TESTS=OFF -DFOVEA_BUILD_BENCHMARKS=OFF > /dev/null
cmake --build build/release --target "$program" -j "$(jobs)"
exec "build/release/examples/$program" --data "$data" --dataset "$dataset" "${arguments[@]+"${arguments[@]}"}"
