#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Makes the site: every page of Markdown, the reference, the sources that pages link to, the pictures.
# Nothing in it needs a network or a script: pandoc turns formulas into MathML and colours the code.
#
#   docs/tools/site.py XML_DIRECTORY SITE_DIRECTORY       (docs/build.sh calls it)
import html, os, pathlib, re, shutil, struct, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import reference

ROOT = pathlib.Path(__file__).resolve().parents[2]
PANDOC = ["pandoc", "-f", "gfm+tex_math_dollars", "-t", "html5", "--mathml", "--wrap=none", "--fail-if-warnings"]
TOP = [("book/index.html", "The book"), ("reference/index.html", "Reference"), ("performance.html", "Performance"),
       ("seeing.html", "Seeing"), ("results.html", "Results"), ("architecture.html", "Architecture")]
# Formulas need a font that knows how high a bracket can be; Debian: fonts-stix.
FONT = pathlib.Path("/usr/share/fonts/opentype/stix-word/STIXMath-Regular.otf")
FONT_LICENCE = pathlib.Path("/usr/share/doc/fonts-stix/copyright")
FLOORS = {"": "The library in one header", "core": "Memory, arithmetic, threads, randomness",
          "kernels": "The engine room", "nn": "Layers, one idea per page",
          "nn/reference": "Their formulas as loops (each page is included by itself)", "engine": "What runs a network",
          "fused": "Layers that run as one", "model": "Layers become a network",
          "train": "A network learns", "data": "What it learns from", "explain": "What a network sees",
          "images": "Image files (a wing; each page is included by itself)",
          "mpi": "Several machines (a wing; each page is included by itself)",
          "io": "Files (a wing; each page is included by itself)", "viz": "Pictures (a wing; each page is included by itself)"}


def floor_of(header):
    """"nn" of "fovea/nn/conv2d.hpp", "" of "fovea/fovea.hpp", and "explain" of a folder in it that FLOORS does not name."""
    folder = "/".join(header.split("/")[1:-1])
    return folder if folder in FLOORS else folder.split("/")[0]


def pandoc(markdown):
    return subprocess.run(PANDOC, input=markdown, capture_output=True, text=True, check=True).stdout


def check_formulas(path):
    """Ends with a sentence if a dollar sign is left that begins or ends no formula."""
    text = pandoc(path.read_text(encoding="utf-8"))
    rest = re.sub(r"<(math|pre|code)\b.*?</\1>", "", text, flags=re.S)
    if "$" in rest:
        at = rest.index("$")
        sys.exit(f"site: expected a formula in {path.name}, found a lone $ in '{rest[max(0, at - 20):at + 20]}'")


def size_of(path):
    """Width and height of a picture in pixels."""
    if path.suffix == ".svg":
        return re.search(r'width="(\d+)" height="(\d+)"', path.read_text(encoding="utf-8")).groups()
    return struct.unpack(">II", path.read_bytes()[16:24])


class Site:
    def __init__(self, xml, out):
        self.xml, self.out = xml, out
        self.headers = reference.load(xml)
        self.pages = {}  # a file of Markdown, and where it stands on the site
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
            inside = path.relative_to(ROOT / "docs" if path.is_relative_to(ROOT / "docs") else ROOT)
            self.pages[path] = str(inside.with_name(inside.stem.replace("README", "index") + ".html"))
        self.chapters = sorted((ROOT / "docs/book").glob("[0-9]*.md"))
        self.titles = {path: re.search(r"^# (.*)$", path.read_text(encoding="utf-8"), re.M)[1] for path in self.pages}
        self.sources = {}  # files and directories that are linked to: path, and whether they have been written

    # Where things stand.

    def source_page(self, path):
        self.sources.setdefault(path, False)
        inside = path.relative_to(ROOT)
        return f"source/{inside}/index.html" if path.is_dir() else f"source/{inside}.html"

    def reference_page(self, header):
        return f"reference/{header.removeprefix('fovea/').replace('/', '-').removesuffix('.hpp')}.html"

    def target(self, link, page):
        """Where a link in a page of Markdown leads on the site."""
        if re.match(r"[a-z]+:|#", link):
            return link
        name, _, fragment = link.partition("#")
        path = pathlib.Path(os.path.normpath(page.parent / name))
        if path in self.pages:
            goal = self.pages[path]
        elif path.suffix in (".png", ".svg"):
            goal = str(path.relative_to(ROOT / "docs"))
            (self.out / goal).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, self.out / goal)
        elif str(path.relative_to(ROOT)).removeprefix("include/") in self.headers:
            goal = self.reference_page(str(path.relative_to(ROOT / "include")))
        else:
            goal = self.source_page(path)
        return self.relative(goal, self.pages[page]) + ("#" + fragment if fragment else "")

    @staticmethod
    def relative(goal, here):
        return os.path.relpath(goal, os.path.dirname(here) or ".")

    # One page.

    def finish(self, body):
        """What pandoc leaves to do: boxes that scroll, and nothing in them that is not needed."""
        body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.S)
        body = re.sub(r'<a href="#cb\d+-\d+" aria-hidden="true" tabindex="-1"></a>', "", body)
        body = re.sub(r'<span id="cb\d+-\d+">(.*?)</span>(?=\n|</code>)', r"\1", body)
        body = re.sub(r'<div class="sourceCode" id="cb\d+">(<pre.*?</pre>)</div>', r"\1", body, flags=re.S)
        body = re.sub(r"<pre(?= |>|\n)", '<pre tabindex="0"', body)
        body = re.sub(r"<annotation encoding=.*?</annotation>", "", body, flags=re.S)
        body = re.sub(r'<math display="block"[^>]*>.*?</math>', lambda m: self.formula(m[0]), body, flags=re.S)
        # A minus behind a bracket or a sign belongs to the number.
        body = re.sub(r"((?:<mo[^>]*>(?:[(\[,=<≤≈]|&lt;)</mo>|<math [^>]*>(?:<semantics>)?(?:<mrow>)?))<mo>([−±])</mo>", r'\1<mo form="prefix">\2</mo>', body)
        # No line begins with a comma.
        body = re.sub(r'(<math display="inline"(?:(?!</math>).)*</math>)([.,;:)?]+)', r'<span class="whole">\1\2</span>', body, flags=re.S)
        # The name of a function is no sign between two things, and ell is a letter.
        body = body.replace("<mo>ℓ</mo>", "<mi>ℓ</mi>")
        body = re.sub(r"(</(?:mi|mn|mfrac|msub|msup|mrow|munder)>)?<mo>(log|max|min)</mo>(?=(<mrow><mo [^>]*>\()?)", lambda m:
                      f'{m[1] or ""}<mo lspace="{0.167 if m[1] else 0}em" rspace="{0 if m[3] else 0.167}em">{m[2]}</mo>', body)
        # A root is as high as a bracket at least, or its sign hangs below the line.
        body = body.replace("<msqrt>", '<msqrt><mspace height="0.75em" depth="0.2em"></mspace>')
        # A plain bracket is as high as a letter, but around a matrix; \big and \Big say how much higher, in em.
        body = re.sub(r'<mo stretchy="true"( form="prefix">[(\[|]</mo>)(?!<mtable)', r'<mo stretchy="false"\1', body)
        body = re.sub(r'(?<!</mtable>)<mo stretchy="true"( form="postfix">[)\]|])', r'<mo stretchy="false"\1', body)
        body = re.sub(r'minsize="([\d.]+)" maxsize="[\d.]+" stretchy="false"', r'minsize="\1em" maxsize="\1em" stretchy="true" symmetric="true"', body)
        body = body.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
        body = re.sub(r' style="text-align: right;?"', ' class="right"', body)
        return re.sub(r' (?:style="text-align: (?:left|center);?"|class="(?:header|odd|even)")', "", body)

    @staticmethod
    def formula(math):
        """A formula on lines of its own. Where it has a wide space, a narrow window may break it."""
        inside = re.fullmatch(r"<math [^>]*><semantics><mrow>(.*)</mrow></semantics></math>", math, flags=re.S)
        wide = r'<mspace width="[12](?:\.0)?em"></mspace>'
        parts, depth = [""], 0
        for piece in re.findall(rf"{wide}|<[^>]*>|[^<]+", inside[1] if inside else ""):
            if depth == 0 and re.fullmatch(wide, piece):
                parts.append("")
                continue
            if piece[0] == "<" and not re.fullmatch(wide, piece):
                depth += -1 if piece[1] == "/" else 1
            parts[-1] += piece
        parts = [part for part in parts if part]
        if len(parts) < 2:
            return f'<span class="formula" tabindex="0">{math}</span>'
        space = 'xmlns="http://www.w3.org/1998/Math/MathML"'
        return '<span class="formula parts" tabindex="0">' + " ".join(
            f'<math display="inline" displaystyle="true" {space}><mrow>{part}</mrow></math>' for part in parts) + "</span>"

    def write(self, here, title, body, side="", kind=""):
        top = "".join(f'<a href="{self.relative(goal, here)}"' + (' aria-current="page"' if self.belongs(here, goal) else "") +
                      f">{text}</a>" for goal, text in TOP)
        home = self.relative("index.html", here)
        side = f'<nav class="side" aria-label="Contents">{side}</nav>' if side else ""
        path = self.out / here
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}{"" if here == "index.html" else " · fovea"}</title>
<link rel="stylesheet" href="{self.relative("style.css", here)}">
</head>
<body{f' class="{kind}"' if kind else ""}>
<a class="skip" href="#main">To the text</a>
<nav class="top" aria-label="Site"><a class="name" href="{home}">fovea</a>{top}</nav>
<div class="columns{" with-side" if side else ""}">{side}
<main id="main">
{body}
</main>
</div>
<footer>fovea, MIT licence. Formulas are set in STIX Math (<a href="{self.relative("math-licence.txt", here)}">licence</a>).</footer>
</body>
</html>
""", encoding="utf-8")

    @staticmethod
    def belongs(here, goal):
        return here == goal or (goal.endswith("/index.html") and here.startswith(goal.removesuffix("index.html")))

    def links(self, here, entries):
        return "".join(f'<li><a href="{self.relative(goal, here)}"' + (' aria-current="page"' if goal == here else "") +
                       f">{html.escape(text)}</a></li>" for goal, text in entries)

    def markdown_page(self, path):
        here = self.pages[path]
        if "book" in here:
            check_formulas(path)
        body = self.finish(pandoc(path.read_text(encoding="utf-8")))

        def link(match):
            return f'href="{self.target(html.unescape(match[1]), path)}"'

        def picture(match):
            source, rest = match[1], match[2]
            width, height = size_of(pathlib.Path(os.path.normpath(path.parent / source)))
            image = f'<img src="{self.target(source, path)}" width="{width}" height="{height}"{rest}>'
            if source.endswith(".svg"):
                return f'<span class="picture" tabindex="0">{image}</span>'
            return f'<a class="photo" href="{self.target(source, path)}">{image}</a>'

        body = re.sub(r'href="([^"]*)"', link, body)
        body = re.sub(r'<img src="([^"]*)"([^>]*?) ?/?>', picture, body)
        body = re.sub(r'<p>(<span class="picture".*?</span>)</p>', r"\1", body, flags=re.S).replace('<span class="picture"', '<div class="picture"')
        body = re.sub(r'(<div class="picture" tabindex="0"><img[^>]*>)</span>', r"\1</div>", body)
        side = ""
        if path.parent == ROOT / "docs/book":
            pages = [ROOT / "docs/book/README.md", *self.chapters, ROOT / "docs/book/solutions.md"]
            entries = [(self.pages[p], self.titles[p]) for p in pages[1:]]
            side = f"<p>The book</p><ol>{self.links(here, [(self.pages[pages[0]], 'Contents'), *entries])}</ol>"
        self.write(here, self.titles[path], body, side)

    # The reference.

    def reference_pages(self):
        by_floor = {}
        for header in sorted(self.headers):
            by_floor.setdefault(floor_of(header), []).append(header)
        here = "reference/index.html"
        body = ["<h1>Reference</h1><p>One page for each header: its lesson, and its public names with their shapes, units, errors and "
                "sources. What is in <code>detail</code> is for the library alone.</p>"]
        for floor, headers in sorted(by_floor.items(), key=lambda f: list(FLOORS).index(f[0])):
            body.append(f'<h2 id="{floor or "fovea"}">{floor or "fovea"}</h2><p>{FLOORS[floor]}.</p><dl class="index">')
            for header in headers:
                names = ", ".join(f"<code>{html.escape(n)}</code>" for n in dict.fromkeys(
                    n.name for n in self.headers[header] if not n.name.startswith("operator") and n.scope.count("::") < 3))
                body.append(f'<dt><a href="{self.relative(self.reference_page(header), here)}">{header.split("/", 1)[1]}</a></dt><dd>{names}</dd>')
            body.append("</dl>")
        self.write(here, "Reference", "\n".join(body))
        for header, names in self.headers.items():
            here = self.reference_page(header)
            source = self.relative(self.source_page(ROOT / "include" / header), here)
            floor = floor_of(header)
            side = f'<p>{floor}</p><ul>{self.links(here, [(self.reference_page(h), h.split("/", 2)[2]) for h in by_floor[floor]])}</ul>'
            title, body = reference.page(header, names, source, ROOT)
            self.write(here, title, body, side)

    # Sources, until no page links to one that is not there.

    def source_pages(self):
        while True:
            missing = [path for path, written in self.sources.items() if not written]
            if not missing:
                return
            files = []
            for path in missing:
                self.sources[path] = True
                if path.is_dir():
                    here = self.source_page(path)
                    inside = [p for p in sorted(path.iterdir()) if p.is_dir() or p.suffix in (".cpp", ".hpp", ".py", ".sh", ".txt", ".md")]
                    entries = [(self.pages.get(p) or self.source_page(p), p.name + ("/" if p.is_dir() else "")) for p in inside
                               if not p.name.startswith("__")]
                    self.write(here, str(path.relative_to(ROOT)), f"<h1><code>{path.relative_to(ROOT)}</code></h1><ul>{self.links(here, entries)}</ul>")
                elif path.is_file():
                    files.append(path)
                else:
                    sys.exit(f"site: expected a file at {path}, which a page links to")
            self.write_sources(files)

    def write_sources(self, files):
        language = {".cpp": "cpp", ".hpp": "cpp", ".py": "python", ".sh": "bash"}
        fence = "`" * 8
        blocks = [f"{fence}{language.get(p.suffix, 'text')}\n{p.read_text(encoding='utf-8').rstrip()}\n{fence}\n" for p in files]
        # One run for all: pandoc takes longer to begin than to colour a file.
        parts = self.finish(pandoc("\n\n@@@\n\n".join(blocks))).split("<p>@@@</p>") if files else []
        for path, body in zip(files, parts, strict=True):
            here = self.source_page(path)
            name = path.relative_to(ROOT)
            up = f'<p><a href="{self.relative(self.reference_page(str(name).removeprefix("include/")), here)}">reference</a></p>' \
                if str(name).removeprefix("include/") in self.headers else ""
            self.write(here, str(name), f"<h1><code>{name}</code></h1>{up}{body}", kind="source")

    def make(self):
        if self.out.exists():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True)
        shutil.copyfile(ROOT / "docs/site/style.css", self.out / "style.css")
        shutil.copyfile(FONT, self.out / "math.otf")
        shutil.copyfile(FONT_LICENCE, self.out / "math-licence.txt")
        for path in self.pages:
            self.markdown_page(path)
        self.reference_pages()
        self.source_pages()
        return sum(1 for _ in self.out.rglob("*.html"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("site.py: expected the directory of Doxygen's XML and the one to write")
    for path in (FONT, FONT_LICENCE):
        if not path.is_file():
            sys.exit(f"site: expected a font for formulas at {path} (Debian: fonts-stix), found none")
    try:
        count = Site(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).make()
    except subprocess.CalledProcessError as error:
        sys.exit(f"site: pandoc says {error.stderr.strip()}")
    print(f"site: {count} pages in {sys.argv[2]}")
