"""Tools of MCP servers that wait for an operator: what changed of each, and letting it in."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from server.admin.refusals import AdminRefused, not_found
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from tools.catalog.quarantine import HeldTool
from tools.errors import ImportFailed
from tools.sources.importing import accept_held
from tools.sources.mcp.definitions import changes_between, definition_from

EVERY_TENANT = "every tenant"
_WORDS = {"changed": "changed as shown", "new": "came in", "gone": "is gone"}


def held_facts(held: HeldTool, accepted: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is held, with every difference as it was and is: an operator reads the upstream's own words here."""
    definition = None if held.definition is None else definition_from(held.definition)
    changes = dict(held.definition or {}) if definition is None or accepted is None else changes_between(accepted, definition)
    return {
        "operation": held.operation_id,
        "tool": held.tool,
        "reason": held.reason,
        "riskier": list(held.risks),
        "summary": list(held.changes),
        "changes": changes,
    }


async def accept_tools(
    operations: SqlOperationStore,
    quarantine: SqlQuarantineStore,
    owner: str | None,
    provider: str,
    tools: Collection[str] = (),
    seen: str | None = None,
) -> Sequence[str]:
    """Accept what is held of a source, all or the tools named, and return what came of each, in words. Raises AdminRefused.

    owner: whose source it is, None: all tenants'. `seen`: the stamp of what was reviewed; nothing else is accepted then.
    """
    held = await quarantine.held_of(owner, provider)
    known = {name for each in held for name in (each.tool, each.operation_id)}
    review = "`ascend import review` shows what is"
    if unknown := [tool for tool in tools if tool not in known]:
        raise not_found(f"{unknown[0]!r} is not held of {provider} for {owner or EVERY_TENANT}", review)
    try:
        accepted = await accept_held(operations, quarantine, owner, provider, tools, seen)
    except ImportFailed as error:
        raise AdminRefused(409, error.failure.code, error.failure.message) from error
    if not accepted:
        raise not_found(f"nothing of {provider!r} is held for {owner or EVERY_TENANT}", review)
    return [f"{each.operation_id} {_WORDS[each.reason]}" for each in accepted]
