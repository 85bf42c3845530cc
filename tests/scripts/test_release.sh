#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# scripts/release.sh in a small clone: what it refuses, and that an archive has the commit, and the same bytes twice.
#
#   tests/scripts/test_release.sh
set -uo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
command -v git > /dev/null || { echo "$0: skipped, for want of git"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

clone="$work/a clone"
mkdir -p "$clone/include/fovea" "$clone/scripts"
cp "$root/include/fovea/version.hpp" "$clone/include/fovea"
cp "$root/scripts/release.sh" "$clone/scripts"
cp "$root/CITATION.cff" "$root/.gitignore" "$clone"
version=$(sed -n 's/^version: //p' "$root/CITATION.cff")
cd "$clone" || exit 1
commit() { git add -A && git -c user.name=release -c user.email=release@localhost commit -qm "$1" --allow-empty; }
chapters() { printf '# Changes\n\n## %s\n\n* new\n\n## 0.0.1 (2020-01-01)\n\n* old\n' "$1" > CHANGELOG.md; }

# refused WORDS ARGUMENT...: status 2, these words, and no archive.
refused() {
  local words=$1 said status
  shift
  said=$(scripts/release.sh "$@" "$work/dist" 2>&1)
  status=$?
  [ $status = 2 ] || fail "$words: status $status"
  grep -qF -e "$words" <<< "$said" || fail "expected '$words', got: $said"
  [ ! -e "$work/dist/fovea-$version.tar.gz" ] || fail "$words: an archive was made"
}
chapters "$version (not released yet)"
refused "expected a clone, found a directory without git"
git init -q -b main
commit "a draft"
refused "expected the date of $version, found '$version (not released yet)'"
refused "expected --draft or a directory, found --cats" --cats
for undated in "$version" "$version (soon)" "$version (2030-1-1)"; do
  chapters "$undated"
  refused "expected the date of $version, found '$undated', not '$version (YYYY-MM-DD)'"
done
chapters "9.9.9 (2030-01-01)"
refused "CHANGELOG.md: expected a chapter for $version first, found 9.9.9 (2030-01-01)"
chapters "$version (2030-01-01)"
sed -i 's/^version: .*/version: 9.9.9/' CITATION.cff
refused "CITATION.cff: expected version $version, found 9.9.9"
cp "$root/CITATION.cff" .
refused "expected a tree without changes, found"
commit "a release"
touch new
refused "?? new"
rm new

said=$(scripts/release.sh "$work/dist") || fail "a release: $said"
(cd "$work" && tar -xzf "dist/fovea-$version.tar.gz") && diff -r --exclude=.git "$clone" "$work/fovea-$version" ||
  fail "the archive is not what the clone is"
[ "$(cat "$work/dist/fovea-$version.md")" = $'\n* new' ] || fail "notes: $(cat "$work/dist/fovea-$version.md")"
(cd "$work/dist" && grep -E '^[0-9a-f]{64}  ' <<< "$said" | sha256sum --check --quiet) || fail "the sums: $said"
[ "$(grep -cE '^[0-9a-f]{64}  ' <<< "$said")" = 2 ] || fail "not two sums: $said"
(cd / && "$clone/scripts/release.sh" "$work/again" > /dev/null) || fail "from elsewhere"
cmp -s "$work/dist/fovea-$version.tar.gz" "$work/again/fovea-$version.tar.gz" || fail "the same commit, other bytes"
chapters "$version (not released yet)"
commit "a draft again"
scripts/release.sh --draft > "$work/said" || fail "a draft: $(cat "$work/said")"
[ -s "build/dist/fovea-$version.tar.gz" ] && grep -q "a draft" "$work/said" || fail "a draft: $(cat "$work/said")"

[ $failures = 0 ] && echo "release: all is well"
