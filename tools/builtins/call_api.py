"""call_api: one operation, through the door."""

from collections.abc import Mapping

from tools.always_on import CALL_API
from tools.dispatch.wire import MAX_CHARS
from tools.operation import Call, CallOptions, Json, Outcome, PageRequest
from tools.sources.builtin import BuiltinFunction

_PLAIN = frozenset({"api", "args"})
_DEFAULTS = CallOptions(max_chars=MAX_CHARS)


async def call_api(call: Call) -> Outcome:
    """Run `api` with `args`; the record names that operation, not this tool."""
    return await call.again(*asked_of(call.arguments))


def asked_of(given: Mapping[str, Json]) -> tuple[str, Mapping[str, Json], CallOptions]:
    """Return what valid arguments of this tool ask for: an operation, its arguments, and how to run it."""
    return given["api"], given.get("args") or {}, _options(given)


def _options(given: Mapping[str, Json]) -> CallOptions:
    if given.keys() <= _PLAIN:
        return _DEFAULTS
    page = given.get("page")
    return CallOptions(
        account=given.get("account"),
        select=given.get("select"),
        page=None if page is None else PageRequest(page.get("mode", "one"), page.get("max_items"), page.get("cursor")),
        max_chars=given.get("max_chars", MAX_CHARS),
        dry_run=given.get("dry_run", False),
        idempotency_key=given.get("idempotency_key"),
        confirm=given.get("confirm"),
        timeout_s=given.get("timeout_s", 30.0),
    )


FUNCTION = BuiltinFunction(
    slug=CALL_API.name,
    run=call_api,
    input_schema=CALL_API.input_schema,
    idempotent=False,
    scope="mcp",
    reenters=True,
    described=True,
    example={"api": "crm.contacts.search", "args": {"query": "Ada"}, "select": "results[].{id: id, email: email}"},
)
