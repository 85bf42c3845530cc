#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The sample report as a browser and an XML parser see it.
#
#   test_sample_report.sh SAMPLE_REPORT DIRECTORY
set -euo pipefail
scripts=$(cd "$(dirname "$(realpath "$0")")/../../scripts" && pwd)
"$1" "$2"
python=/usr/bin/python3
[ -x $python ] || { echo "skipped, for want of $python"; exit 77; }
$python - "$2"/*.svg <<'PY'
import sys, xml.etree.ElementTree
for name in sys.argv[1:]:
    assert xml.etree.ElementTree.parse(name).getroot().tag.endswith("}svg"), name
print(len(sys.argv) - 1, "charts are well-formed XML")
assert len(sys.argv) > 8
PY
exec "$scripts/check_page.py" --out "$2/screenshots" "$2/report.html"
