#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# From a fresh clone to a trained network and its pictures: installs what is missing (asks first),
# finds or fetches MNIST, builds in Release and runs mnist_train.
#
#   scripts/quickstart.sh [--yes] [--data DIR] [--explain | --cifar] [other options of the program]
#
# With --explain it runs mnist_explain instead, which also looks into the network: out/report.html.
# With --cifar it gets CIFAR-10, photographs of ten kinds of things, and runs cifar_train: 94 % after a
# quarter of an hour on two cores.
set -euo pipefail
here=$PWD
cd "$(dirname "$(realpath "$0")")/.."
. scripts/install.sh

refuse() { echo "quickstart.sh: $*" >&2; exit 2; }
data=
dataset=
program=mnist_train
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=1 ;;
    --explain) program=mnist_explain ;;
    --cifar) program=cifar_train ;;
    --data) data=${2-}; [ $# -gt 1 ] || refuse "--data: expected a directory, found nothing"; shift ;;
    --data=*) data=${1#--data=} ;;
    --dataset) dataset=${2-}; [ $# -gt 1 ] || refuse "--dataset: expected mnist or fashion, found nothing"; shift ;;
    --dataset=*) dataset=${1#--dataset=} ;;
    -h | --help) sed -n '4,/^set/{ s/^# \{0,1\}//; /^set/!p; }' scripts/quickstart.sh; exit 0 ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
if [ $program = cifar_train ]; then
  [ -z "$dataset" ] || refuse "--dataset: expected nothing beside --cifar, found $dataset"
  dataset=cifar10
  data=${data:-${FOVEA_CIFAR_DIR:-}}
else
  dataset=${dataset:-mnist}
  [ $dataset != cifar10 ] || refuse "--dataset: expected mnist or fashion, found $dataset (CIFAR-10 is --cifar)"
  data=${data:-${FOVEA_DATA_DIR:-}}
fi
case $dataset in mnist | fashion | cifar10) ;; *) refuse "--dataset: expected mnist or fashion, found $dataset" ;; esac

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

# Fetches CIFAR-10 (binary version) into data/cifar10: one archive, checked against its published MD5.
fetch_cifar() {
  local target=data/cifar10 archive=data/cifar10/cifar-10-binary.tar.gz
  local url=https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
  command -v curl > /dev/null || command -v wget > /dev/null || { is_debian && need curl ca-certificates && install_needed; } || return 1
  mkdir -p "$target"
  if command -v curl > /dev/null; then
    curl --fail --location --connect-timeout 10 -o "$archive.part" "$url"
  else
    wget --tries=1 --connect-timeout=10 -O "$archive.part" "$url"
  fi || { rm -f "$archive.part"; rmdir "$target" data 2> /dev/null; return 1; }
  if ! echo "c32a1d4ab5d03f1284b67883e8d87530  $archive.part" | md5sum --check --status; then
    echo "What $url sent has the wrong hash; it is not used." >&2
    rm -f "$archive.part"
    return 1
  fi
  # Whole or not at all, also on a full disk.
  rm -rf "$target.part" && mkdir "$target.part" && tar -xzf "$archive.part" -C "$target.part" --strip-components=1 ||
    { rm -rf "$target.part" "$archive.part"; return 1; }
  rm -rf "$target" && mv "$target.part" "$target"
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
elif [ "$dataset" = cifar10 ] && ls data/cifar10/test_batch.bin* > /dev/null 2>&1; then
  data=data/cifar10
  echo "Data: CIFAR-10 from data/cifar10"
elif [ "$dataset" = cifar10 ]; then
  echo "Data: fetching CIFAR-10 (170 MB) ..."
  fetch_cifar || refuse "CIFAR-10 cannot be fetched; unpack cifar-10-binary.tar.gz yourself and say where with --data"
  data=data/cifar10
  echo "Data: CIFAR-10, downloaded into data/cifar10, hash verified"
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
[ $program = cifar_train ] || arguments=(--dataset "$dataset" "${arguments[@]+"${arguments[@]}"}")
exec "build/release/examples/$program" --data "$data" "${arguments[@]+"${arguments[@]}"}"
