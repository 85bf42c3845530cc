#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# docs/build.sh makes the site: every public name has words, every link a goal, and the pages look right in
# headless Chromium where there is one.
#
#   test_site.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
for program in pandoc doxygen; do
  command -v $program > /dev/null || { echo "skipped, for want of $program (Debian: $program)"; exit 77; }
done
[ -e /usr/share/fonts/opentype/stix-word/STIXMath-Regular.otf ] || { echo "skipped, for want of a font (Debian: fonts-stix)"; exit 77; }
status=0
FOVEA_EXPLORER=no docs/build.sh --look "$1" || status=$?
[ "$status" != 77 ] || echo "the pages were not looked at"
[ "$status" = 0 ] || [ "$status" = 77 ]
for page in index.html book/15_your_own_layer.html reference/nn-conv2d.html performance.html; do
  grep -q "<math" "$1/site/$page" || grep -q "<h1" "$1/site/$page"
done
grep -q "<math" "$1/site/book/05_convolution.html"
! grep -rlE '<script|src="https?:|href="https?:[^"]*\.css' "$1/site" --include '*.html'
