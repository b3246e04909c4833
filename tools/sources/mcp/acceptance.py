"""What of a server's tools comes in, and what waits until an operator accepts it."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from tools.catalog.quarantine import HeldTool
from tools.operation import Operation
from tools.sources.mcp.definitions import definition_from
from tools.sources.mcp.import_server import operations_of
from tools.sources.mcp.review import risks_of, summary_of
from tools.stores import Source


def held_back(source: Source, current: Sequence[Operation], known: Sequence[Operation]) -> tuple[list[Operation], list[HeldTool]]:
    """Return the operations that a repeated import brings without being told to accept, and the tools that it holds.

    A changed tool stays what it was, and is held. A new one comes in, unless something about it is to be looked at.
    """
    accepted = {str(each.binding["tool"]): each for each in known if each.kind == "mcp"}
    brought: list[Operation] = []
    held: list[HeldTool] = []
    for operation in current:
        tool, definition = str(operation.binding["tool"]), definition_from(operation.binding["definition"])
        former = accepted.get(tool)
        if former is not None and former.binding["pin"] == operation.binding["pin"]:
            brought.append(operation)
            continue
        pinned = former.binding["definition"] if former is not None else None
        risks = risks_of(pinned, definition)
        if former is None and not (risks and known):
            brought.append(operation)
            continue
        held.append(
            HeldTool(
                tenant_id=source.tenant_id,
                provider=source.provider,
                tool=tool,
                operation_id=operation.id,
                reason="changed" if former is not None else "new",
                accepted_pin=former.binding["pin"] if former is not None else "",
                definition=operation.binding["definition"],
                changes=summary_of(pinned, definition) if pinned is not None else (),
                risks=risks,
            )
        )
        if former is not None:
            # The address and the account may be new ones; what the tool is said to be stays what was accepted.
            brought += operations_of([definition_from(former.binding["definition"])], source, [], ids_by_tool={tool: former.id})
    return brought, held


def accepted_operations(source: Source, held: Iterable[HeldTool], known: Sequence[Operation]) -> tuple[list[Operation], list[str]]:
    """Return the operations that accepting `held` brings, as they were shown, and the ids of those that go."""
    ids_by_tool: Mapping[str, str] = {str(each.binding["tool"]): each.id for each in known if each.kind == "mcp"}
    taken = {each.id for each in known}
    brought: list[Operation] = []
    gone: list[str] = []
    for each in held:
        if each.definition is None:
            gone.append(each.operation_id)
            continue
        tool = each.tool
        names = {tool: ids_by_tool[tool]} if tool in ids_by_tool else {}
        new = operations_of([definition_from(each.definition)], source, [], taken=taken, ids_by_tool=names)
        taken |= {operation.id for operation in new}
        brought += new
    return brought, gone


def still_held(rows: Sequence[HeldTool], tools: Collection[str], held: Sequence[HeldTool]) -> list[HeldTool]:
    """Return what of `rows` is held on, once `tools` were decided about and `held` are held anew."""
    keys = {each.key for each in held}
    return [*held, *(row for row in rows if row.tool not in tools and row.key not in keys)]
