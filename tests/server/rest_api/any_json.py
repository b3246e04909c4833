"""Arguments of any JSON shape: as a schema has them, beyond it, and nothing like it."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tools.operation import Json

#: what asks something of a reader: ids of every kind, times, names that are known, halves, marks, what no number is
_IDS = ("ent_7", "fct_7", "doc_7", "epi_7", "qry_7", "ent_" + "z" * 13)
_TIMES = ("2026-01-01", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2026-02-30", "now", "1e999")
_GOOD_TIMES = ("2026-01-01", "2026-03-02T10:00:00Z", "2025-12-31T23:59:59+02:00")
_MOMENTS = ("valid_from", "occurred_at", "as_of", "known_at", "at")
_WORDS = ("Kahuna", "one", "same", "crm:1", "salesforce:", "ada@example.com", "lease.md", "text/html", "AAAA")
_MARKS = ("", " ", "\x00", "\ud800", "\u202e", "%", "'", "[]", "=" * 8, "\ufdfa" * 9, "a" * 301, "a\u0300" * 40)
TEXTS = st.one_of(st.text(st.characters(codec=None), max_size=12), st.sampled_from([*_IDS, *_TIMES, *_WORDS, *_MARKS]))
NUMBERS = st.one_of(
    st.integers(-5, 25),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**40, 0.5, -0.0, 1e308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
#: nobody outside of this machine is asked
ADDRESSES = st.sampled_from(
    ["http://127.0.0.1:1/a", "http://localhost/x.pdf", "https://[::1]:1/", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "http://"]
)


def fitting(schema: Mapping[str, Json], wild: bool = False) -> st.SearchStrategy[Json]:
    """Return values that fit a schema; `wild`: mostly."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if str(schema.get("pattern", "")).startswith("^http"):
        return ADDRESSES
    kinds = schema.get("type", [])
    found = [_of_kind(kind, schema, wild) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return st.one_of(found) if found else ANYTHING


def _of_kind(kind: str, schema: Mapping[str, Json], wild: bool) -> st.SearchStrategy[Json]:
    if kind == "object":
        return _members(schema, wild)
    if kind == "array":
        item = fitting(schema.get("items", {}), wild)
        return st.lists(st.one_of(item, ANYTHING) if wild else item, min_size=0 if wild else 1, max_size=3)
    plain: Mapping[str, st.SearchStrategy[Json]] = {
        "string": TEXTS,
        "boolean": st.booleans(),
        "integer": st.integers(least := schema.get("minimum", -2), min(least + 60, schema.get("maximum", least + 60))),
        "number": st.floats(0, 1),
        "null": st.none(),
    }
    return plain[kind]


def _members(schema: Mapping[str, Json], wild: bool) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: fitting(each, wild) for name, each in schema.get("properties", {}).items()}
    if not wild:
        members |= {name: st.sampled_from(_GOOD_TIMES) for name in _MOMENTS if name in members}
    if not wild:
        required = {name: members[name] for name in schema.get("required", members)}
        return st.fixed_dictionaries(required, optional={name: each for name, each in members.items() if name not in required})
    some = {name: st.one_of(each, each, each, ADDRESSES if name == "url" else ANYTHING) for name, each in members.items()}
    unknown = st.dictionaries(TEXTS.filter(lambda name: name != "url"), ANYTHING, max_size=2)
    others = st.one_of(st.just({}), st.just({}), st.just({}), unknown)
    return st.builds(lambda more, known: {**more, **known}, others, st.fixed_dictionaries({}, optional=some))


def arguments_of(schema: Mapping[str, Json]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with members of a schema: as it has them, or each mostly so, and now and then with others."""
    return st.one_of(_members(schema, wild=False), _members(schema, wild=False), _members(schema, wild=True))
