#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the site: the book, the reference, the pages on speed and results, the pictures, in build/site, to be
# opened from the disk. Fails on a quotation that drifted, a public name without words, a broken link.
#
#   docs/build.sh [--look] [DIRECTORY]      --look: also in headless Chromium, light and dark, phone and
#                                           desktop; DIRECTORY: elsewhere than in build
#
# Needs Debian's pandoc, doxygen, fonts-stix and python3; --look needs chromium, chromium-driver,
# python3-selenium and python3-html5lib.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
look=no out=build
for argument in "$@"; do
  case $argument in
    --look) look=yes ;;
    -*) echo "build.sh: expected --look or a directory, found $argument" >&2; exit 2 ;;
    *) out=$argument ;;
  esac
done
for program in pandoc doxygen python3; do
  command -v $program > /dev/null || { echo "build.sh: expected $program (Debian: $program), found none" >&2; exit 2; }
done

docs/tools/quote.py --check
docs/tools/links.py ./*.md docs
rm -rf "$out/reference"
mkdir -p "$out/reference"
{ cat docs/reference/Doxyfile; echo "OUTPUT_DIRECTORY = \"$out/reference\""; } | doxygen -
docs/tools/reference.py "$out/reference/xml"
docs/tools/site.py "$out/reference/xml" "$out/site"
# The page that trains in a browser, where there is emscripten and FOVEA_EXPLORER is not "no".
if [ "${FOVEA_EXPLORER:-yes}" != no ] && command -v em++ > /dev/null; then
  scripts/explorer.sh "$out/explorer"
  mkdir -p "$out/site/explorer"
  cp "$out/explorer/index.html" "$out/site/explorer"
  sed -i 's|<h2 id="what-it-does">|<p><a href="explorer/index.html"><b>Open the page</b></a></p>\n\n&|' "$out/site/explorer.html"
  grep -q 'href="explorer/index.html"' "$out/site/explorer.html" || { echo "build.sh: expected a place for the link in explorer.html, found none" >&2; exit 1; }
fi
docs/tools/links.py "$out/site"
[ $look = no ] || scripts/check_page.py --site --out "$out/site-screenshots" \
  "$out"/site/*.html "$out"/site/book/*.html "$out"/site/reference/{index,nn-conv2d,core-tensor,model-sequential}.html \
  "$out/site/source/include/fovea/nn/conv2d.hpp.html"
