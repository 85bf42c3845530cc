#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The reference, from what Doxygen read in the headers (docs/reference/Doxyfile, XML): one page for each
# header with its lesson and its public names. Called by itself it names what nobody has documented:
#
#   docs/tools/reference.py XML_DIRECTORY      exit status 1 if a public name has no words
#
# A name has words if a comment says what it is. Besides: members declared on one line, and overloads
# of one name, share theirs; Tensor's members mean what View's do; a layer's members mean what the contract
# (nn/layer.hpp) says; and a few words mean the same everywhere. These are MEANING and CONTRACT below.
import collections, html, itertools, pathlib, re, sys
import xml.etree.ElementTree as ElementTree

CONTRACT = {
    "kind": "The word that Sequential names such layers by, with their ordinal.",
    "value_type": "The type T of a number.",
    "rank": "The number of extents.",
    "options": "What the layer was made with.",
    "Pass": "What one pass leaves behind.",
    "parameters": "What is trained: name, member of the layer, where in the Pass its gradient is.",
    "pass": "Memory for inputs of at most that shape.",
    "output_shape": "The shape of y for this shape of x; throws when x cannot be taken.",
    "forward": "Assigns y = f(x), see above.",
    "backward": "Assigns dx (unless that is empty) and the gradients of the parameters, see above.",
    "buffers": "What is saved but not trained: name, member of the layer, where in the Pass its new value is.",
    "settings": "What else decides what it computes, as a text, for architecture(net).",
    "validate": "Throws on members outside their range, or that do not fit together.",
    "value": "The function at x.",
    "slope": "Its derivative at x.",
    "multiply_adds": "Multiply-adds of a forward, for summary().",
    "window": "What slides over the image, for the receptive field.",
    "is_view": "y is x under another shape and may share its memory.",
}
MEANING = {
    "value_type": CONTRACT["value_type"],
    "T": CONTRACT["value_type"],
    "rank": CONTRACT["rank"],
    "begin": "Where a loop over it begins.",
    "end": "Where a loop over it ends.",
    "threads": "How many threads; 0: OMP_NUM_THREADS, or all.",
    "seed": "The same seed, the same numbers.",
    "title": "Stands above the picture.",
    "zoom": "Pixels of the picture for one number, in each direction.",
    "x_label": "Stands below the axis.",
    "y_label": "Stands beside the axis.",
    "learning_rate": "The size of a step.",
    "name": "What it is called.",
    "metadata": "What a file says besides its tensors: keys and texts.",
}


class Name:
    """A public name: where it stands, how it is declared, what is said about it."""

    def __init__(self, node, scope):
        self.scope, self.kind = scope, node.get("kind")
        self.name = node.findtext("name") or node.findtext("compoundname").split("::")[-1]
        at = node.find("location")
        self.header, self.line = at.get("file"), int(at.get("line"))
        self.words = " ".join(paragraphs(node))
        self.signature = signature(node, self.name)
        self.members = []


def paragraphs(node):
    for part in ("briefdescription", "detaileddescription"):
        for paragraph in node.findall(f"{part}/para"):
            yield " ".join("".join(paragraph.itertext()).split())


def text_of(node):
    text = " ".join("".join(node.itertext()).split()) if node is not None else ""
    return text.replace("< ", "<").replace(" >", ">").replace("fovea::", "")


def prose(words):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words))


def signature(node, name):
    """(template line, declaration)"""
    parameters = []
    for p in node.findall("templateparamlist/param"):
        default = f" = {text_of(p.find('defval'))}" if p.find("defval") is not None else ""
        parameters.append((text_of(p.find("type")) + " " + (p.findtext("declname") or "")).strip() + default)
    template = f"template <{', '.join(parameters)}>" if parameters else ""
    if node.find("requiresclause") is not None:
        template += " requires " + text_of(node.find("requiresclause"))
    kind = node.get("kind")
    if kind == "concept":
        return "", re.sub(r"^template ?<", "template <", text_of(node.find("initializer")))
    if kind in ("class", "struct"):
        return template, f"{kind} {node.findtext('compoundname').replace('fovea::', '')}"
    if kind == "enum":
        values = ", ".join(v.findtext("name") for v in node.findall("enumvalue"))
        return "", f"enum class {name} {{ {values} }}"
    kept = text_of(node.find("type"))
    start = text_of(node.find("initializer"))
    start = f" {start}" if start and len(start) < 60 and kind == "variable" else ""
    if kind == "typedef":
        return template, f"using {name} = {kept}"
    text = f"{kept} {name}{text_of(node.find('argsstring'))}{start}".replace("< ", "<").replace(" >", ">").strip()
    return template, re.sub(r"(?<=[\w>]) ([*&]{1,2}) ?(?=[\w,)])", r"\1 ", text).replace("& ,", "&,").replace("& )", "&)")


def hidden(node):
    """What a reader need not look up: private things, special members, deduction guides."""
    arguments, name = node.findtext("argsstring") or "", node.findtext("name") or ""
    scope = (node.findtext("qualifiedname") or "").split("::")[-2:-1]
    copies = name in scope and re.fullmatch(r"\((const )?\w+(<.*>)? ?&{1,2} ?\w*\)( noexcept)?", arguments)
    return (node.get("prot") != "public" or node.get("kind") == "friend" or "->" in arguments or copies or
            arguments.endswith(("=default", "=delete")) or name.startswith(("~", "__")))


def load(directory):
    """All public names of the headers, by header; members within their classes."""
    names, scopes = [], {}
    for path in sorted(pathlib.Path(directory).glob("*.xml")):
        for node in ElementTree.parse(path).getroot().findall("compounddef"):
            kind, scope = node.get("kind"), node.findtext("compoundname") or ""
            if kind not in ("class", "struct", "concept", "namespace") or "detail" in scope or not scope.startswith("fovea"):
                continue
            if node.get("prot", "public") != "public":
                continue
            into = names
            if kind != "namespace":
                scopes[scope] = Name(node, scope)
                names.append(scopes[scope])
                into = scopes[scope].members
            into += [Name(m, scope) for m in node.iter("memberdef") if not hidden(m)]
    share(names)
    for name in list(scopes.values()):
        share(name.members)
        layer = any(m.name == "kind" for m in name.members)
        for m in name.members:
            view = scopes.get("fovea::View")
            if not m.words and name.scope == "fovea::Tensor" and view:
                m.words = next((v.words for v in view.members if v.name == m.name), "")
            m.words = m.words or (CONTRACT.get(m.name, "") if layer else "") or MEANING.get(m.name, "")
        parent = scopes.get(name.scope.rpartition("::")[0])
        if not name.words and parent and any(m.name == "kind" for m in parent.members):
            name.words = CONTRACT.get(name.name, "")
    headers = collections.defaultdict(list)
    for name in names:
        headers[name.header].append(name)
        name.members.sort(key=lambda m: m.line)
    for header in headers.values():
        header.sort(key=lambda n: n.line)
    return headers


def share(names):
    """Overloads of one name, and what is declared on one line, share their words."""
    for key in (lambda n: (n.header, n.line), lambda n: (n.header, n.name)):
        words = {}
        for name in names:
            if name.words and name.kind not in ("class", "struct"):
                words.setdefault(key(name), name.words)
        for name in names:
            if name.kind not in ("class", "struct", "concept"):
                name.words = name.words or words.get(key(name), "")


def silent(headers):
    """The public names without words, as sentences."""
    for header, names in sorted(headers.items()):
        for name in names:
            for n in [name, *name.members]:
                if not n.words:
                    where = n.scope.replace("fovea::", "") if n is not name else ""
                    yield f"{header}:{n.line}: expected a word on {where + '::' if where else ''}{n.name}, found none"


def lesson(path):
    """The comment that a header begins with."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        if not line.startswith("//"):
            break
        lines.append(line[3:])
    return "\n".join(lines).strip("\n")


def anchor(name):
    return re.sub(r"\W+", "-", name.scope.replace("fovea::", "") if name.kind in ("class", "struct", "concept") else name.name)


def declaration(name):
    template, text = (html.escape(part) for part in name.signature)
    template = f'<span class="t">{template}</span>' if template else ""
    return f'<code class="signature">{template}<span>{text}</span></code>'


def page(header, names, source_link, root):
    """(title, HTML) of the page of one header."""
    path = root / "include" / header
    parts = [f"<h1>{header.split('/')[-1]}</h1>",
             f'<p><code>#include &lt;{header}&gt;</code> · <a href="{source_link}">the whole header</a></p>',
             f'<pre class="lesson" tabindex="0">{html.escape(lesson(path))}</pre>']
    seen = set()
    for name in names:
        id = anchor(name)
        extra = f' id="{id}"' if id not in seen else ""
        shown = html.escape(id.replace("-", "::") if name.members or name.kind in ("class", "struct") else name.name)
        heading = f"<h2><code>{shown}</code> <span class=\"kind\">{name.kind}</span></h2>" if extra else ""
        seen.add(id)
        declared = "" if heading and name.kind in ("class", "struct") and not name.signature[0] else declaration(name)
        parts.append(f'<section class="entry"{extra}>{heading}{declared}<p>{prose(name.words)}</p>')
        if name.members:
            parts.append("<dl>")
            for words, same in itertools.groupby(name.members, lambda m: m.words):  # neighbours may share their words
                parts += [f"<dt>{declaration(m)}</dt>" for m in same] + [f"<dd>{prose(words)}</dd>"]
            parts.append("</dl>")
        parts.append("</section>")
    return header, "\n".join(parts)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("reference.py: expected one directory")
    loaded = load(sys.argv[1])
    found = list(silent(loaded))
    for sentence in found:
        print(sentence)
    count = sum(1 + len(n.members) for names in loaded.values() for n in names)
    print(f"reference: {count} public names in {len(loaded)} headers, {len(found)} without words")
    sys.exit(1 if found or count == 0 else 0)
