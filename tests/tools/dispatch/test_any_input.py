"""Whatever a client sends to a tool, it gets an answer of the protocol: never a stack trace, never `internal_error`."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.model_text import to_text
from tests.tools.stand_ins import DispatcherInMemory, gateway, operation
from tools.dispatch.wire import to_wire
from tools.operation import Paging

SEARCH = operation(
    "crm.contacts.search",
    schema={"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 100}}},
    paging=Paging("offset", "offset", "results", None, "limit"),
)
WRITE = operation("crm.notes.create", "write")
DELETE = operation("crm.notes.delete", "destructive")
BUILTINS = (
    "result.read",
    "gateway.time.now",
    "gateway.operations.list",
    "gateway.operations.describe",
    "gateway.calls.recent",
    "gateway.calls.summary",
    "gateway.providers.list",
    "gateway.account.whoami",
)
IDS = st.sampled_from([SEARCH.id, WRITE.id, DELETE.id, *BUILTINS, "call_api", "discover_apis", "crm", ""]) | st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=[]), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
SELECTS = st.sampled_from(["results[].id", "@", "text", "length(@)", "a.b[0] || `1`", "[?", "keys(@)"]) | st.text(max_size=20)
CURSORS = st.sampled_from(["5", "0~", "3.10~20", "~", "n_AAAA", "-1", "9" * 30]) | st.text(max_size=10)
PAGES = st.fixed_dictionaries(
    {}, optional={"mode": st.sampled_from(["one", "all", "max", "some"]), "max_items": st.integers(-1, 50), "cursor": CURSORS}
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["query", "limit", "offset", "text", "id", "zone", "handle", "prefix", "after"]), JSON, max_size=4
)
CALLS = st.fixed_dictionaries(
    {"api": IDS},
    optional={
        "args": ARGUMENTS | JSON,
        "account": JSON,
        "select": SELECTS | st.lists(SELECTS, max_size=3) | JSON,
        "page": PAGES | JSON,
        "max_chars": st.integers(0, 3_000),
        "dry_run": st.booleans(),
        "idempotency_key": st.text(st.characters(exclude_categories=[]), max_size=300),
        "confirm": st.sampled_from(["c_", "c_ffffffff_AAAA", "c__", "c_-1_" + "A" * 32]) | st.text(max_size=30),
        "timeout_s": st.floats(-1, 40),
    },
)
SEARCHES = st.dictionaries(
    st.sampled_from(["query", "ids", "providers", "tags", "access", "detail", "limit", "cursor", "check", "other"]),
    JSON | st.lists(IDS, max_size=4) | st.sampled_from(["full", "names", "read", "any"]),
    max_size=5,
)

_houses: list[DispatcherInMemory] = []


async def house() -> DispatcherInMemory:
    """Return one gateway for all examples: what earlier ones left behind must not matter either."""
    if not _houses:
        _houses.append(await gateway([SEARCH, WRITE, DELETE]))
    return _houses[0]


async def answered(name: str, arguments: Any) -> None:
    outcome = await (await house()).call(name, arguments)
    assert outcome.error is None or outcome.error.code != "internal_error", outcome
    orjson.dumps(to_wire(outcome), option=orjson.OPT_NON_STR_KEYS)
    to_text(outcome).encode()


@examples(120)
@given(arguments=CALLS)
async def test_call_api_answers_anything(arguments: dict[str, Any]) -> None:
    """Bad input is normal input."""
    await answered("call_api", arguments)


@examples(80)
@given(arguments=SEARCHES)
async def test_discover_apis_answers_anything(arguments: dict[str, Any]) -> None:
    """Bad input is normal input."""
    await answered("discover_apis", arguments)


@examples(60)
@given(name=IDS | st.text(st.characters(exclude_categories=[]), max_size=300), arguments=ARGUMENTS)
async def test_a_call_by_any_name_is_answered(name: str, arguments: dict[str, Any]) -> None:
    """A tools/call may name anything at all."""
    await answered(name, arguments)
