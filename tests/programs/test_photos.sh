#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Digits as photographs are read as well as the originals, within one per cent: real MNIST, in FOVEA_DATA_DIR.
# $1 is mnist_predict; PHOTOS makes the pictures of the first COUNT (500) test digits, MNIST_TRAIN the network,
# unless WEIGHTS are there. Status 77: there is no MNIST, nothing was tested.
data=${FOVEA_DATA_DIR:-}
. "$(dirname "$(realpath "$0")")/external_consumer.sh"
. "$(dirname "$(realpath "$0")")/read_right.sh"

count=${COUNT:-500}
images=$(ls "$data"/t10k-images* 2> /dev/null | head -1) labels=$(ls "$data"/t10k-labels* 2> /dev/null | head -1)
[ -n "$images" ] && [ -n "$labels" ] || { echo "skipped: no MNIST in FOVEA_DATA_DIR"; exit 77; }
if [ -z "${WEIGHTS:-}" ]; then
  "$MNIST_TRAIN" --data "$data" --epochs 1 --out "$work/out" --quiet || exit 1
  WEIGHTS=$work/out/model.safetensors
fi
mkdir "$work/photos"
"$PHOTOS" "$work/photos" "$count" "$images" "$labels" || exit 1
compare_photos "$WEIGHTS" "$work/photos" "$count" 100
[ $failures = 0 ] && echo "photographs: all good" || { echo "$failures failures"; exit 1; }
