"""Which paragraph styles of a DOCX are headings (ECMA-376 Part 1 §17.7): by outline level, or by the built-in names."""

import re
from collections.abc import Mapping

from tools.context_plane.documents.formats.package import Package

#: transitional and strict
_NAMESPACES = ("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main")
#: Names of built-in styles are English in every language of the program; ids are not.
_HEADING_NAME = re.compile(r"heading ([1-9])|(title)", re.IGNORECASE)
_MAX_STYLES, _MAX_BASES = 5_000, 20


def in_word(local: str) -> tuple[str, str]:
    """Return the qualified names of an element or attribute of WordprocessingML."""
    return (f"{_NAMESPACES[0]} {local}", f"{_NAMESPACES[1]} {local}")


def value_of(given: Mapping[str, str]) -> str:
    """Return the attribute `val`, '' where there is none."""
    return next((given[name] for name in _VALUE if name in given), "")


_VALUE, _ID = in_word("val"), in_word("styleId")
_NAMES = {name: local for local in ("style", "name", "basedOn", "outlineLvl") for name in in_word(local)}


def level_of(outline: str) -> int:
    """Return the level of an outline level, which counts from 0 and means text from 9 on; 1 is the title's, above all."""
    return int(outline) + 2 if len(outline) == 1 and outline in "012345678" else 0


def heading_levels(package: Package, part: str) -> dict[str, int]:
    """Return the level of each style that is a heading's, 1 for the title, by the style's id. Raises DocumentRefused."""
    levels, bases, style = dict[str, int](), dict[str, str](), ""

    def start(name: str, given: Mapping[str, str]) -> None:
        nonlocal style
        local, value = _NAMES.get(name), value_of(given)
        if local == "style":
            style = next((given[name] for name in _ID if name in given), "")
        elif len(bases) + len(levels) >= _MAX_STYLES:
            return
        elif local == "basedOn":
            bases[style] = value
        elif local == "outlineLvl" and level_of(value):
            levels[style] = level_of(value)
        elif local == "name" and (found := _HEADING_NAME.fullmatch(value)):
            levels.setdefault(style, 1 if found[2] else level_of(str(int(found[1]) - 1)))

    package.read_xml(part, start, lambda _: None, lambda _: None)
    return {style: level for style in {*levels, *bases} if (level := _inherited(style, levels, bases))}


def _inherited(style: str, levels: Mapping[str, int], bases: Mapping[str, str]) -> int:
    for _ in range(_MAX_BASES):
        if style in levels:
            return levels[style]
        if style not in bases:
            return 0
        style = bases[style]
    return 0
