#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes what a release consists of, from the commit that is checked out: the source archive and the notes, the newest
# chapter of CHANGELOG.md. Tags nothing, publishes nothing. The same commit gives the same bytes.
#
#   scripts/release.sh [--draft] [DIRECTORY]     default: build/dist
#
# Refuses a tree with changes, and a version that version.hpp, CHANGELOG.md and CITATION.cff do not agree on. --draft
# takes a version whose chapter has no date yet.
set -euo pipefail
here=$PWD
cd "$(dirname "$(realpath "$0")")/.."
refuse() { echo "release.sh: $*" >&2; exit 2; }
draft= out=
for argument in "$@"; do
  case $argument in
    --draft) draft=yes ;;
    -h | --help) sed -n '4,/^set/{ s/^# \{0,1\}//; /^set/!p; }' scripts/release.sh; exit 0 ;;
    -*) refuse "expected --draft or a directory, found $argument" ;;
    *) out=$(cd "$here" && realpath -m "$argument") ;;
  esac
done
out=${out:-$PWD/build/dist}
command -v git > /dev/null || refuse "expected git, found none"
[ "$(git rev-parse --show-toplevel 2> /dev/null)" = "$PWD" ] || refuse "expected a clone, found a directory without git"

version=$(sed -n 's/^#define FOVEA_VERSION_[A-Z]* \([0-9]*\)$/\1/p' include/fovea/version.hpp | paste -sd.)
changes=$(sed -n 's/^## //p' CHANGELOG.md | head -1)
cited=$(sed -n 's/^version: //p' CITATION.cff)
[ "${changes%% *}" = "$version" ] || refuse "CHANGELOG.md: expected a chapter for $version first, found $changes"
[ "$cited" = "$version" ] || refuse "CITATION.cff: expected version $version, found $cited"
case $draft$changes in
  yes* | "$version ("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]")") ;;
  *) refuse "CHANGELOG.md: expected the date of $version, found '$changes', not '$version (YYYY-MM-DD)' (--draft takes it)" ;;
esac
dirty=$(git status --porcelain)
[ -z "$dirty" ] || refuse "expected a tree without changes, found
$dirty"

name=fovea-$version
mkdir -p "$out"
git archive --format=tar --prefix="$name/" HEAD | gzip -n -9 > "$out/$name.tar.gz.part"
mv "$out/$name.tar.gz.part" "$out/$name.tar.gz"
awk '/^## / { if (found++) exit; next } found' CHANGELOG.md > "$out/$name.md"
echo "$name${draft:+ (a draft)} from $(git rev-parse HEAD), $(tar -tzf "$out/$name.tar.gz" | grep -vc '/$') files, in $out:"
(cd "$out" && sha256sum "$name.tar.gz" "$name.md")
