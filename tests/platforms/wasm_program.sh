#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# README's program in WebAssembly, by the commands that docs/architecture.md prints: it must learn to read the
# digits it draws. Status 77 without em++ or Node.
set -euo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
for tool in em++ node; do
  command -v $tool > /dev/null || { echo "README's program in WebAssembly: skipped, no $tool"; exit 77; }
done
out=${BUILD_DIR:-$root/build/platforms}/wasm_program
mkdir -p "$out"
cd "$out"
ln -sfn "$root/include" include
ln -sfn "$root/examples" examples
commands=$(sed -n '/^### WebAssembly/,/^## /p' "$root/docs/architecture.md" | sed -n '/^```sh/,/^```$/p' | sed '/^```/d')
[ "$(grep -c first.js <<< "$commands")" = 2 ] || { echo "docs/architecture.md: expected commands that build and run first.js, found: $commands"; exit 1; }
bash -e <<< "$commands" | tee said.txt
right=$(sed -n 's/^epoch 3: \(.*\) %$/\1/p' said.txt)
awk -v right="${right:-0}" 'BEGIN { exit !(right >= 99) }' || { echo "README's program in WebAssembly: expected 99 % or more in epoch 3, found '$right'"; exit 1; }
echo "README's program in WebAssembly: $right % right, $(stat -c %s first.wasm) bytes"
