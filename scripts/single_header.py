#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the library into one file, for a project that wants to copy one file.

    single_header.py OUTPUT [HEADER...]      HEADER as in an #include, default: fovea/fovea.hpp

Every `#include "fovea/..."` is replaced by the text of that header, the first time, and by nothing after
that; includes of the standard library stay where they are. `fovea/explain/occlusion.hpp` may follow
`fovea/fovea.hpp`, and so may any header whose third parties the user has.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"


def expand(header, seen):
    """The lines of a header and of what it includes that is not included yet."""
    if header in seen:
        return
    seen.add(header)
    path = INCLUDE / header
    if not path.is_file():
        sys.exit(f"single_header: expected a header of fovea, found no {header}")
    yield f"// ---- {header}\n"
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        include = re.match(r'#include "(fovea/[^"]+)"', line)
        if include:
            yield from expand(include[1], seen)
        elif not line.startswith(("#pragma once", "// SPDX-License-Identifier")):
            yield line


def main():
    if len(sys.argv) < 2:
        sys.exit("single_header: expected the file to write")
    headers = sys.argv[2:] or ["fovea/fovea.hpp"]
    version = ".".join(re.findall(r"FOVEA_VERSION_\w+ (\d+)", (INCLUDE / "fovea/version.hpp").read_text()))
    seen = set()
    text = "".join(line for header in headers for line in expand(header, seen))
    licence = "".join(f"// {line}".rstrip() + "\n" for line in (ROOT / "LICENSE").read_text().splitlines())
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(
        f"// SPDX-License-Identifier: MIT\n//\n// fovea {version} in one file, written by single_header.py: "
        f"{' '.join(headers)}.\n//\n{licence}#pragma once\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
