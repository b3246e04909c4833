"""Operations: what a tenant can call, what waits for an operator, and what a call would send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import orjson

from oauth.principal import Principal
from oauth.scopes import CONNECT
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.nouns.held_tools import EVERY_TENANT, accept_tools, held_facts
from server.admin.refusals import AdminRefused, not_found
from server.admin.resource import Change, Column, Done, Field, Filter, ListQuery, Resource, Row, Rows
from server.storage.audit.reading import SqlAuditTrail
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from tools.catalog.quarantine import HeldTool, stamp_of
from tools.dispatch.dispatcher import Dispatcher
from tools.operation import Access, CallOptions, ClientInfo, Json, Operation
from tools.sources.importing import accepted_definitions
from tools.turns import in_turns

#: how the call's record names who asked
_CLIENT = ClientInfo("", name="administration")
MAX_ARGUMENTS_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class OperationNoun:
    """Lists are of one tenant: the one that is asked for, else the administrator's own."""

    known: Callable[[str], Mapping[str, Operation]]
    store: SqlOperationStore
    quarantine: SqlQuarantineStore
    dispatcher: Callable[[], Dispatcher]
    trail: SqlAuditTrail

    def resource(self) -> Resource:
        tenant = Field(name="tenant", title="Tenant", is_required=False, max_chars=63, hint="Else your own.")
        return Resource(
            name="operations",
            title="Operations",
            about="What a tenant can call; yours, unless you name another. What an MCP server changed is held until somebody accepts it.",
            columns=(
                Column(name="id", title="Operation", link="operations"),
                Column(name="provider", title="Provider"),
                Column(name="access", title="Access", kind="state"),
                Column(name="kind", title="Kind", is_aside=True),
                Column(name="scope", title="Scope", is_aside=True),
                Column(name="whose", title="Whose"),
                Column(name="held", title="Held", kind="state"),
                Column(name="summary", title="Summary"),
            ),
            facts=(
                Column(name="signature", title="Signature"),
                Column(name="input_schema", title="Arguments"),
                Column(name="held_changes", title="What is held"),
                Column(name="seen", title="Stamp"),
            ),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            filters=(
                Filter(name="provider", title="Provider"),
                Filter(name="access", title="Access", choices=get_args(Access)),
                Filter(name="held", title="Held only", is_flag=True),
            ),
            changes=(
                Change(
                    "accept",
                    "Accept as held",
                    self.accept,
                    (Field(name="seen", title="Stamp", is_required=False, is_hidden=True, hint="Accept only what was shown."), tenant),
                    confirm="Let in what the server says of this tool now?",
                ),
                Change(
                    "dry-run",
                    "Dry run",
                    self.dry_run,
                    (
                        # On record for four hundred days, and nobody can say what is in them.
                        Field(name="arguments", title="Arguments (JSON)", is_required=False, is_secret=True, max_chars=MAX_ARGUMENTS_CHARS),
                        Field(name="account", title="Connection", is_required=False),
                        tenant,
                    ),
                ),
            ),
            when_empty="No operations yet; `ascend import openapi` brings some.",
        )

    async def rows(self, administrator: Administrator, query: ListQuery) -> Rows:
        tenant_id = query.tenant_id or administrator.tenant_id
        held = await self._held(tenant_id)
        known, asked = self.known(tenant_id), query.filters
        wanted = []
        async for name in in_turns(sorted({*known, *held})):
            row = _row(name, known.get(name), held.get(name))
            is_named = asked.get("provider") in (None, row["provider"]) and asked.get("access") in (None, row["access"])
            if is_named and ("held" not in asked or row["held"]):
                wanted.append(row)
        return page_of(wanted, query, "id")

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        tenant_id = administrator.tenant_id
        held, operation = (await self._held(tenant_id)).get(key), self.known(tenant_id).get(key)
        if operation is None and held is None:
            return None
        row: dict[str, Json] = dict(_row(key, operation, held))
        if operation is not None:
            row |= {"signature": operation.signature, "input_schema": dict(operation.input_schema)}
        if held is not None:
            accepted = accepted_definitions(await self.store.load_provider(held.tenant_id, held.provider))
            row["held_changes"] = held_facts(held, accepted.get(key))
            row["seen"] = stamp_of(await self.quarantine.held_of(held.tenant_id, held.provider))
        return row

    async def accept(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        tenant_id = administrator.reach(values.get("tenant")) or administrator.tenant_id
        held = (await self._held(tenant_id)).get(key)
        if held is None:
            raise not_found(f"{key[:80]!r} is not held", "`ascend import review` shows what is")
        if held.tenant_id is None:
            administrator.must_reach_gateway("what all tenants share")
        said = await accept_tools(self.store, self.quarantine, held.tenant_id, held.provider, (key,), values.get("seen"))
        return Done("\n".join(said), await self.one(administrator, key) or {})

    async def dry_run(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        """Say what a call would send, secrets masked; with the connections of the whole tenant, since an administrator is no caller."""
        tenant_id = administrator.reach(values.get("tenant")) or administrator.tenant_id
        operation = self.known(tenant_id).get(key)
        if operation is None:
            raise not_found(f"there is no operation {key[:80]!r}", "GET /admin/api/operations lists what there is")
        # Nothing changes, and still somebody has looked at how an upstream is called.
        await self.trail.note()
        scopes = frozenset({CONNECT, operation.required_scope})
        principal = Principal(tenant_id, administrator.subject, "administration", scopes, "", "local")
        options = CallOptions(dry_run=True, account=values.get("account"))
        arguments = _arguments(values.get("arguments", ""))
        outcome = await self.dispatcher().call(principal, key, arguments, client=_CLIENT, options=options)
        if outcome.error is not None:
            raise AdminRefused(
                422, outcome.error.code, outcome.error.message, outcome.error.hint or "", faults=_faults(outcome.error.faults)
            )
        if outcome.connection is not None:
            raise AdminRefused(409, "needs_connection", outcome.connection.message)
        return Done("this would be sent; nothing was", {"id": key, "request": outcome.data})

    async def _held(self, tenant_id: str) -> dict[str, HeldTool]:
        found = [each for each in await self.quarantine.load_held() if each.tenant_id in (None, tenant_id)]
        return {each.operation_id: each for each in found if each.concerns in (None, tenant_id)}


def _row(name: str, operation: Operation | None, held: HeldTool | None) -> Row:
    owner = held.tenant_id if operation is None and held is not None else operation.tenant_id if operation is not None else None
    return {
        "id": name,
        "provider": name.partition(".")[0] if operation is None else operation.provider,
        "access": None if operation is None else operation.access,
        "kind": "mcp" if operation is None else operation.kind,
        "scope": None if operation is None else operation.required_scope,
        "whose": owner or EVERY_TENANT,
        "held": None if held is None else held.reason,
        "summary": "" if operation is None else operation.summary,
    }


def _arguments(text: str) -> Mapping[str, Json]:
    try:
        value = orjson.loads(text) if text.strip() else {}
    except orjson.JSONDecodeError as error:
        raise AdminRefused(422, "invalid_fields", f"arguments: no JSON: {error}") from error
    if not isinstance(value, dict):
        raise AdminRefused(422, "invalid_fields", "arguments: give a JSON object")
    return value


def _faults(faults: tuple[Mapping[str, Json], ...]) -> list[dict[str, str]]:
    return [{"place": str(fault.get("path", "")), "message": str(fault.get("rule", ""))} for fault in faults]
