"""A figure as SVG for a web page: its text is text, its ink is the page's, its bytes never vary."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from matplotlib import style

from epuredgm.reporting.figures.panel import INK, STYLE, Chart, drawn

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
PREFIX = "epuredgm-"  # of names in a page that only figures use

_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"font: (?:(\d+|bold|italic) )?(?:(\d+|bold) )?([\d.]+)px [^;]*")
_FAMILY = re.compile(r"font-family: [^;]*;? *")  # the shorthand or this: it depends on matplotlib's version


def svg(chart: Chart, title: str, description: str) -> str:
    """A chart as one ``<svg>`` element, to be put into a page as it is.

    It is as wide as its place; ink takes the page's text colour, text its font; the background is left out.
    Identifiers carry a hash of the content, so that two figures of a page share none. There is no script and
    no reference to anything outside.

    Args:
        chart: any.
        title: what it shows, for people who do not see it.
        description: what it says, for them.
    """
    settings = {**STYLE, "svg.fonttype": "none", "svg.hashsalt": "epuredgm", "path.simplify": True}
    buffer = io.StringIO()
    with style.context(settings):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        drawn(chart).savefig(buffer, format="svg", metadata=nothing, dpi=72)
    root = ElementTree.fromstring(buffer.getvalue())
    _strip(root)
    for element in root.iter():
        _theme(element)
    _name(root, title, description)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(root: ElementTree.Element) -> None:
    """Take out what the page does not need: metadata, a style sheet that would rule the whole page, sizes."""
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")  # said once, at the root
    root.set("xmlns", SVG)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "metadata" or child.find("style") is not None:
                parent.remove(child)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("width", "100%")
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")


def _theme(element: ElementTree.Element) -> None:
    """Ink to the text colour, fonts to the page's, coordinates to a hundredth of a point."""
    looks = element.get("style")
    if looks:
        looks = looks.replace(INK, "currentColor")
        looks = _FONT.sub(lambda found: _font(*found.groups()), looks)
        element.set("style", _FAMILY.sub("", looks))
    elif element.tag == "text":
        element.set("style", "fill: currentColor")
    for name in ("d", "x", "y", "width", "height"):
        value = element.get(name)
        if value:
            shorter = _NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
            element.set(name, " ".join(shorter.split()))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if LINK in element.attrib:
        element.set("href", element.attrib.pop(LINK))


def _font(first: str | None, second: str | None, size: str) -> str:
    """Size, weight and slant of a ``font`` shorthand; the family is the page's."""
    words = {first, second}
    weight = next((word for word in words if word and word != "italic"), None)
    slant = "; font-style: italic" if "italic" in words else ""
    return f"font-size: {size}px" + (f"; font-weight: {weight}" if weight else "") + slant


def _name(root: ElementTree.Element, title: str, description: str) -> None:
    """Title and description; and identifiers, for what is referred to, that no other figure has.

    They are numbered before they get the hash of the content: some of matplotlib's are made from places in
    memory.
    """
    used = [name for element in root.iter() for name in _referred(element)]
    _rename(root, {old: f"{index}" for index, old in enumerate(dict.fromkeys(used))})
    content = ElementTree.tostring(root) + f"\0{title}\0{description}".encode()
    prefix = PREFIX + hashlib.sha256(content).hexdigest()[:12]
    _rename(root, {f"{index}": f"{prefix}-{index}" for index in range(len(used))})
    for index, (tag, words) in enumerate((("title", title), ("desc", description))):
        child = ElementTree.Element(tag, {"id": f"{prefix}-{tag}"})
        child.text = words
        root.insert(index, child)
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")


def _rename(root: ElementTree.Element, names: Mapping[str, str]) -> None:
    """Give identifiers new names, here and where they are referred to; those without one are taken out."""
    for element in root.iter():
        if "id" in element.attrib:
            old = element.attrib.pop("id")
            if old in names:
                element.set("id", names[old])
        for key, value in list(element.attrib.items()):
            if key == "href":
                element.set(key, f"#{names[value[1:]]}")
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", value))


def _referred(element: ElementTree.Element) -> list[str]:
    """Identifiers that an element refers to."""
    found = [element.attrib["href"][1:]] if "href" in element.attrib else []
    return found + [name for value in element.attrib.values() for name in _REFERENCE.findall(value)]
