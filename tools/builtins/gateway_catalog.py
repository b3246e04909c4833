"""gateway.providers.list, gateway.operations.list and gateway.operations.describe: what there is, without searching."""

from collections import Counter

from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from tools.builtins.described import described
from tools.catalog.catalog import Catalog
from tools.catalog.suggestions import Suggestions
from tools.dispatch.policy import Policy
from tools.operation import Call, Json, Operation, Outcome, Paging
from tools.sources.builtin import BuiltinFunction

LIMIT = 50
_ACCESS = {"enum": ["read", "write", "destructive"]}


class Providers:
    """Lists where operations come from, how many there are, and whether an account is connected."""

    def __init__(self, catalog: Catalog, credentials: Credentials) -> None:
        self._catalog, self._credentials = catalog, credentials

    async def __call__(self, call: Call) -> Outcome:
        by_provider: dict[str, list[Operation]] = {}
        for operation in self._catalog.visible(call.principal.tenant_id).operations_by_id.values():
            by_provider.setdefault(operation.provider, []).append(operation)
        return Outcome("ok", data={"providers": [self._provider(call.principal, *each) for each in sorted(by_provider.items())]})

    def _provider(self, principal: Principal, name: str, operations: list[Operation]) -> dict[str, Json]:
        tags = Counter(tag for operation in operations for tag in operation.tags)
        entry: dict[str, Json] = {
            "provider": name,
            "kind": operations[0].kind,
            "shared": operations[0].tenant_id is None,
            "operations": dict(sorted(Counter(operation.access for operation in operations).items())),
            "tags": [tag for tag, _ in tags.most_common(12)],
        }
        needed = next((operation.connection for operation in operations if operation.connection is not None), None)
        if needed is not None:
            readiness = self._credentials.readiness(principal, needed, frozenset())
            entry["connection"] = {"status": readiness.status, "accounts": list(readiness.accounts), "default": readiness.default}
        return entry

    def function(self) -> BuiltinFunction:
        schema = {"type": "object", "properties": {}, "additionalProperties": False}
        return BuiltinFunction("gateway.providers.list", self, schema, scope="mcp", example={})


class OperationList:
    """Lists operations in the order of their ids, for callers that want to leaf through."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        after, limit = given.get("after", ""), given.get("limit", LIMIT)
        matching = sorted(
            (operation.id, operation)
            for operation in self._catalog.visible(call.principal.tenant_id).operations_by_id.values()
            if operation.id > after
            and given.get("provider", operation.provider) == operation.provider
            and given.get("access", operation.access) == operation.access
            and given.get("prefix", "") == operation.id[: len(given.get("prefix", ""))]
        )
        rows = [{"id": each.id, "access": each.access, "summary": each.summary} for _, each in matching[:limit]]
        more = rows[-1]["id"] if len(matching) > limit else None
        return Outcome("ok", data={"operations": rows, "total": len(matching), "next": more})

    def function(self) -> BuiltinFunction:
        schema = {
            "type": "object",
            "properties": {
                "provider": {"type": "string"},
                "prefix": {"type": "string"},
                "access": _ACCESS,
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": LIMIT},
                "after": {"type": "string"},
            },
            "additionalProperties": False,
        }
        return BuiltinFunction(
            "gateway.operations.list",
            self,
            schema,
            scope="mcp",
            example={"provider": "crm"},
            paging=Paging("cursor", "after", "operations", "next", "limit"),
        )


class Describe:
    """Describes one operation in full."""

    def __init__(self, catalog: Catalog, policy: Policy, credentials: Credentials, suggestions: Suggestions) -> None:
        self._catalog, self._policy, self._credentials, self._suggestions = catalog, policy, credentials, suggestions

    async def __call__(self, call: Call) -> Outcome:
        operation = self._catalog.get(call.principal.tenant_id, call.arguments["id"])
        if operation is None:
            return Outcome("error", error=self._suggestions.unknown(call.principal.tenant_id, call.arguments["id"]))
        return Outcome("ok", data=described(call.principal, operation, "schema", self._policy, self._credentials))

    def function(self) -> BuiltinFunction:
        schema = {
            "type": "object",
            "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 256}},
            "required": ["id"],
            "additionalProperties": False,
        }
        return BuiltinFunction("gateway.operations.describe", self, schema, scope="mcp", example={"id": "crm.contacts.search"})
