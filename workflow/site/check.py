"""What a browser would find wrong with a site, without a browser: every page must work from disk, without a network."""

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes by which a page loads something by itself. A link (`a`) may lead outside; a load may not.
LOADS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
# <link>s that only tell an address, and load nothing.
TELLING = {"alternate", "author", "canonical", "help", "index", "license", "next", "prev", "search", "up"}
CSS_LOADS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.S)
SCRIPT_LOADS = re.compile(
    r"""(?:\bimport\s*\(?|\bfrom|\bimportScripts\s*\(|\bfetch\s*\(|\.(?:src|href)\s*=)\s*["'`]((?:https?:)?//[^"'`\s]+)"""
)


def check_site(folder):
    """The faults of the pages below `folder`, each one sentence that begins with the file; none is an empty list."""
    folder = Path(folder)
    pages = sorted(folder.rglob("*.html"))
    if not pages:
        return [f"{folder}: there is no page"]
    faults = []
    for path in pages:
        faults += [f"{path.relative_to(folder)}: {fault}" for fault in check_page(path, folder)]
    for path in sorted(folder.rglob("*.css")):
        words = path.read_text(encoding="utf-8")
        faults += [f"{path.relative_to(folder)}: {fault}" for fault in _check_css(words, path, folder)]
    for path in sorted(folder.rglob("*.js")):
        words = path.read_text(encoding="utf-8")
        faults += [f"{path.relative_to(folder)}: {fault}" for fault in _check_script(words)]
    return faults


def check_page(path, folder):
    """The faults of one page."""
    page = _read(path)
    faults = []
    for name, attributes in page.tags:
        for attribute in LOADS.get(name, ()):
            if attributes.get(attribute):
                for address in _addresses(attributes[attribute], attribute):
                    faults += _check_load(address, path, folder)
        if name == "link" and not set((attributes.get("rel") or "").split()) <= TELLING:
            faults += _check_load(attributes.get("href") or "", path, folder)
        if name == "a" and attributes.get("href") is not None:
            faults += _check_link(attributes["href"], path, folder)
        if name == "img" and not (attributes.get("alt") or "").strip():
            faults.append(f"the picture {(attributes.get('src') or '')[:80]!r} has no alternative text")
        if name == "base":
            faults.append("<base> changes where all links lead")
        if attributes.get("style"):
            faults += _check_css(attributes["style"], path, folder)
    for words in page.styles:
        faults += _check_css(words, path, folder)
    for words in page.scripts:
        faults += _check_script(words)
    return faults


class _Page(HTMLParser):
    """The tags of a page, its places that a link can lead to, and what stands between <style> and <script>."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.anchors, self.styles, self.scripts = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in LOADS or tag in ("a", "base", "link") or "style" in attributes:
            self.tags.append((tag, attributes))
        if attributes.get("id"):
            self.anchors.add(attributes["id"])
        if tag == "a" and attributes.get("name"):
            self.anchors.add(attributes["name"])

    def handle_data(self, data):
        if self.cdata_elem == "style":
            self.styles.append(data)
        if self.cdata_elem == "script":
            self.scripts.append(data)


def _addresses(value, attribute):
    if attribute == "srcset":
        return [part.split()[0] for part in value.split(",") if part.strip()]
    return [value]


def _check_load(address, path, folder):
    if address.startswith("data:"):
        return []
    if _is_outside(address):
        return [f"loads {address!r} from outside"]
    return _check_file(address, path, folder)[1]


def _check_link(address, path, folder):
    if _is_outside(address) or urlsplit(address).scheme:
        return []
    target, faults = _check_file(address, path, folder)
    fragment = unquote(urlsplit(address).fragment)
    if not faults and fragment and target.suffix == ".html" and fragment not in _read(target).anchors:
        faults = [f"links to {address!r}, and there is no such place on that page"]
    return faults


def _check_file(address, path, folder):
    """(the file that an address within the site means, faults)"""
    name = unquote(urlsplit(address).path)
    if name.startswith("/"):
        return path, [f"{address!r} begins at the root of a server, and the site must work from any folder"]
    target = (path.parent / name).resolve() if name else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file() or folder.resolve() not in target.resolve().parents:
        return target, [f"leads to {address!r}, which is not part of the site"]
    return target, []


def _check_css(words, path, folder):
    faults = []
    for match in CSS_LOADS.finditer(CSS_COMMENT.sub("", words)):
        address = (match[1] or match[2]).strip()
        if not address.startswith("#"):
            faults += _check_load(address, path, folder)
    return faults


def _check_script(words):
    return [f"a script loads {address!r} from outside" for address in SCRIPT_LOADS.findall(words)]


def _is_outside(address):
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")


def _read(path):
    return _read_once(path.resolve(), path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _read_once(path, changed):
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page
