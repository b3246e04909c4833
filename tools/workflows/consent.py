"""What a person's yes to a step that cannot be undone is bound to: not its name, but what it does."""

import hashlib
import json

from tools.catalog.lazy_json import plain
from tools.operation import Failure, Json, Operation

_AGREED = "agreed:"


def consent_digest(operation: Operation) -> str:
    """Return the SHA-256, in hex, of what `operation` does.

    It is another one where an import changed whose operation it is, its tier, what it takes, how its request is made (method, URL, path,
    body; the pinned definition of an MCP tool) or what is said of it; not where its answers, examples or signature changed. Of what the
    gateway brings along the tier alone counts: that is one code, whatever an upgrade says of it. What the step gives it is in the
    definition, whose versions never change.
    """
    whose = [
        operation.id,
        operation.kind,
        operation.provider,
        operation.tenant_id,
        operation.connection,
        sorted(operation.connection_scopes),
    ]
    does: list[Json] = [operation.access]
    if operation.kind != "builtin":
        does += [operation.title, operation.summary, operation.description, operation.idempotent]
        does += [plain(operation.input_schema), plain(operation.binding)]
    return hashlib.sha256(json.dumps([whose, does], sort_keys=True).encode()).hexdigest()


def agreed_to(digest: str) -> str:
    """Return the `confirm` of a step of a stored workflow whose operation had this digest when a person accepted it.

    Means nothing to the door: the engine makes it the token that the door asks for, in each attempt, while the operation is still that one.
    """
    return f"{_AGREED}{digest}"


def is_agreed(confirm: str | None) -> bool:
    """Say whether a `confirm` is one of `agreed_to`."""
    return confirm is not None and confirm.startswith(_AGREED)


def not_agreed(operation_id: str) -> Failure:
    """Return why a step does not run whose operation is not the one that somebody accepted."""
    return Failure(
        "needs_confirmation",
        f"'{operation_id}' cannot be undone, and it is not what was agreed to: what it does has changed since",
        hint="look at it, apply the definition again (`ascend workflow apply FILE --as EMAIL`) and start a new run",
    )
