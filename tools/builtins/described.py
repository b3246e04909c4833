"""One operation as discovery shows it: what it takes, what it does, and what stands in its way."""

from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from tools.catalog.argument_outline import outline_of
from tools.catalog.lazy_json import plain
from tools.dispatch.policy import Policy
from tools.json_text import encode
from tools.operation import Json, Operation

#: full stays within 1,500 tokens, with everything else that it says
MAX_INPUT_CHARS = 2_900
MAX_OUTPUT_CHARS = 1_100


def described(principal: Principal, operation: Operation, detail: str, policy: Policy, credentials: Credentials) -> dict[str, Json]:
    """Return `operation` in the `detail` asked for: names, signature, full, schema, or check (readiness only)."""
    if detail == "names":
        return {"id": operation.id, "summary": operation.summary}
    entry: dict[str, Json] = {"id": operation.id}
    if detail != "check":
        entry |= {"title": operation.title, "summary": operation.summary, "signature": operation.signature}
    entry["access"] = operation.access
    entry["destructive"] = operation.access == "destructive"
    entry["idempotent"] = operation.idempotent or operation.access == "read"
    entry["confirm"] = policy.needs_confirmation(principal, operation)
    if missing := policy.missing_scopes(principal, operation):
        entry["needs_scopes"] = sorted(missing)
    if operation.connection is not None:
        entry["connection"] = _connection(principal, operation, operation.connection, credentials)
    if (block := policy.block(principal, operation)) is not None:
        entry["blocked"] = {"code": block.code, "reason": block.message, "way_out": block.hint}
        if "connection" in entry:
            entry["connection"]["status"] = "blocked"
    if detail == "check":
        return entry
    if operation.returns:
        entry["returns"] = operation.returns
    if operation.example is not None:
        entry["example"] = operation.example
    if operation.paging is not None:
        entry["paging"] = operation.paging.style
    if headers := operation.binding.get("response_headers"):
        entry["headers"] = headers
    if operation.deprecated:
        entry["deprecated"] = True
    if detail in ("full", "schema"):
        entry |= {"description": operation.description, "tags": list(operation.tags)}
    if detail == "full":
        entry["input"] = outline_of(plain(operation.input_schema), MAX_INPUT_CHARS)
        if operation.output_schema is not None:
            entry["output"] = outline_of(plain(operation.output_schema), MAX_OUTPUT_CHARS)
    if detail == "schema":
        entry["input_schema"] = plain(operation.input_schema)
        if operation.output_schema is not None:
            entry["output_schema"] = plain(operation.output_schema)
    return entry


def shortened(entries: list[dict[str, Json]], max_chars: int) -> None:
    """Take the schemas out of descriptions once all of them together are too long, and say where each is to be had."""
    left = max_chars
    for entry in entries:
        for member in ("output_schema", "input_schema", "output", "input"):
            size = len(encode(entry))
            if size <= left or member not in entry:
                continue
            del entry[member]
            entry["left_out"] = f"too long; call_api api='gateway.operations.describe' args={{id: '{entry['id']}'}} gives all of it"
        left -= len(encode(entry))


def _connection(principal: Principal, operation: Operation, provider: str, credentials: Credentials) -> dict[str, Json]:
    readiness = credentials.readiness(principal, provider, operation.connection_scopes)
    return {
        "provider": readiness.provider,
        "status": readiness.status,
        "accounts": list(readiness.accounts),
        "default": readiness.default,
        "missing_scopes": list(readiness.missing_scopes),
    }
