#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Says which relative links lead nowhere: to a file that is not there, or to a heading or an id that its
# page does not have. Markdown pages are read as GitHub reads them, HTML pages as a browser does.
#
#   docs/tools/links.py PAGE.md ... PAGE.html ... DIRECTORY ...      exit status 1 if a link is broken
import html.parser, pathlib, re, sys, urllib.parse


def slug(heading):
    """The anchor that GitHub gives to a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def without_code(text):
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.M | re.S)


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def read(path):
    """The links and the anchors of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        page = Page(text)
        return page.links, page.anchors
    anchors, seen = set(), {}
    for heading in re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M):
        name = slug(heading)
        seen[name] = seen.get(name, -1) + 1
        anchors.add(name if seen[name] == 0 else f"{name}-{seen[name]}")
    return re.findall(r"\]\(([^()\s]+)\)", without_code(text)), anchors


def main():
    pages = []
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        pages += sorted(p for s in ("*.md", "*.html") for p in path.rglob(s)) if path.is_dir() else [path]
    if not pages:
        sys.exit("links.py: expected pages or directories, got none")
    known, broken, count = {}, 0, 0
    for page in pages:
        for link in known.setdefault(page.resolve(), read(page))[0]:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (page.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else page.resolve()
            if not target.exists():
                print(f"{page}: {link} leads to no file")
                broken += 1
            elif parts.fragment and target.suffix in (".md", ".html"):
                if target not in known:
                    known[target] = read(target)
                if urllib.parse.unquote(parts.fragment) not in known[target][1]:
                    print(f"{page}: {link} leads to no heading of that page")
                    broken += 1
    print(f"links: {count} links in {len(pages)} pages, {broken} broken")
    return 1 if broken or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
