# SPDX-License-Identifier: MIT
#
# Sourced behind external_consumer.sh by the tests that read photographs.

# compare_photos WEIGHTS DIR COUNT PART: of COUNT digits in DIR, made by photos, as many are read right in PNG
# and in JPEG as in the original, but for one in PART of all.
compare_photos() {
  local weights=$1 directory=$2 count=$3 part=$4 kind right original
  # The digit read is the first number behind the name.
  "$program" --weights "$weights" --quiet "$directory/originals" > "$work/originals.txt" || fail "originals"
  for kind in png jpg; do
    find "$directory" -name "*.$kind" | sort | xargs "$program" --weights "$weights" --quiet > "$work/$kind.txt" ||
      fail "$kind: status $?"
  done
  local truth=$work/truth.txt
  find "$directory" -name '*.png' | sort | sed 's/.*_is_\(.\).*/\1/' > "$truth"
  count_right() { sed 's/^.*\(\]\|\.png\|\.jpg\) *\([0-9]\) .*/\2/' "$work/$1.txt" | paste - "$truth" | awk '$1 == $2' | wc -l; }
  original=$(count_right originals)
  echo "originals: $original of $count right"
  [ "$original" -gt $((count / 2)) ] || fail "the network reads $original of $count originals"
  for kind in png jpg; do
    [ "$(wc -l < "$work/$kind.txt")" = "$count" ] || fail "$kind: not $count lines"
    right=$(count_right $kind)
    echo "$kind: $right of $count right"
    [ $((right * part)) -ge $((original * part - count)) ] || fail "$kind: $right right, originals $original"
  done
}
