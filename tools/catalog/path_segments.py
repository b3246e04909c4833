"""The segments of an API's path that say what an operation is about."""

import re

from tools.catalog.verbs import snake

VERSION_SEGMENT = re.compile(r"(v\d+|\d{1,2})([._]\d+)*((beta|alpha)\d*)?|\d{4}-\d{2}-\d{2}|api|rest|latest|index", re.IGNORECASE)
#: an id that stands in the path as such: documents made from recorded calls have them
_RECORDED_ID = re.compile(r"(?=.*\d)(?=.*[a-z])[a-z0-9]{28,}", re.IGNORECASE)
#: `apps.example.io` as a segment is a group of things, not `thing.verb`
_DOMAIN = re.compile(r"\.(io|com|net|org|dev|local)$", re.IGNORECASE)


def segments_of(path: str) -> list[str]:
    """Return the segments of a path that say something: no version, no `/api`, no file ending."""
    path = re.sub(r"\.(json|xml)(?=$|[/?#])", "", path.split("#")[0].split("?")[0])
    found = [segment for segment in path.split("/") if segment]
    if found[:1] == ["apis"] and len(found) > 1 and not is_parameter(found[1]):
        # /apis/{group}/… in front of everything, not a list of APIs.
        found = found[1:]
    return [segment for segment in found if not VERSION_SEGMENT.fullmatch(segment)] or found


def is_parameter(segment: str) -> bool:
    return (segment.startswith("{") and segment.endswith("}")) or segment.startswith(":") or _RECORDED_ID.fullmatch(segment) is not None


def own_segments(literals: list[str]) -> list[str]:
    """Return the segments after `…/providers/Vendor.Service/`: before it stands only where a resource lives."""
    for position in range(len(literals) - 2, 0, -1):
        if literals[position - 1] == "providers" and "." in literals[position]:
            return literals[position + 1 :]
    return literals


def pieces_of(segment: str) -> list[str]:
    spoken = re.sub(r"\{[^}]*\}", "", segment)
    if _DOMAIN.search(spoken):
        spoken = spoken.partition(".")[0]
    return [snake(piece) for piece in re.split(r"[.:]", spoken) if snake(piece)]
