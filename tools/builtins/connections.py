"""connections.list, connect, rename, disconnect: the accounts that calls are made with."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from oauth.connections.changes import ConnectionChanges
from oauth.connections.connecting.connectable import Connectable
from oauth.connections.connecting.keys import check_alias, check_provider
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connection import EVERYBODY, Connection
from oauth.connections.connections import KnownConnections
from oauth.connections.errors import ConnectionRefused, UnknownConnection
from oauth.connections.upstream.granted_scopes import withheld_scopes
from oauth.connections.upstream.registrations import Registrations
from tools.operation import Call, ConnectionRequest, Failure, Json, Outcome
from tools.sources.builtin import BuiltinFunction

_NAME = {"type": "string", "minLength": 1, "maxLength": 128}


class ConnectionOperations:
    """The four operations; each sees the caller's own accounts and those of the whole tenant, and changes only the former."""

    def __init__(
        self,
        connections: KnownConnections,
        changes: ConnectionChanges,
        links: ConnectLinks,
        registrations: Registrations,
        connectable: Connectable,
    ) -> None:
        self._connections, self._changes, self._links, self._registrations = connections, changes, links, registrations
        self._connectable = connectable

    def functions(self) -> list[BuiltinFunction]:
        account = {"provider": _NAME, "account": _NAME}
        return [
            BuiltinFunction("connections.list", self.list, _object({"provider": _NAME}), scope="mcp", example={"provider": "hubspot"}),
            BuiltinFunction(
                "connections.connect",
                answering(self.connect),
                _object(
                    {"provider": _NAME, "scopes": {"type": "array", "items": _NAME, "maxItems": 50}, "alias": _NAME, "account": _NAME},
                    "provider",
                ),
                scope="mcp",
                example={"provider": "hubspot", "scopes": ["crm.objects.contacts.read"]},
            ),
            BuiltinFunction(
                "connections.rename",
                answering(self.rename),
                _object({**account, "alias": _NAME, "default": {"const": True}}, "provider", "account"),
                example={"provider": "hubspot", "account": "sales", "alias": "sales europe"},
            ),
            BuiltinFunction(
                "connections.disconnect",
                answering(self.disconnect),
                _object(account, "provider", "account"),
                afterwards="It can be connected again at any time",
                example={"provider": "hubspot", "account": "sales"},
            ),
        ]

    async def list(self, call: Call) -> Outcome:
        wanted = call.arguments.get("provider")
        rows = [
            self._row(call, connection)
            for provider in ([wanted] if wanted else self._connections.providers_of(call.principal))
            for connection in self._connections.of_provider(call.principal, provider)
        ]
        return Outcome("ok", data={"accounts": rows, "connectable": list(self._connectable.by_people(call.principal))})

    async def connect(self, call: Call) -> Outcome:
        given = call.arguments
        provider = check_provider(given["provider"])
        alias = check_alias(given["alias"]) if "alias" in given else ""
        again = (await self._changes.own(call.principal, provider, given["account"])).account_id if "account" in given else ""
        scopes = frozenset(given.get("scopes", ()))
        # The client calls again once the person is back; what counts is what the store says, not that it called.
        if done := await self._links.finished(call.principal, provider, scopes, again, alias):
            connection = await self._changes.own(call.principal, provider, done)
            return Outcome("ok", data={"connected": self._row(call, connection)})
        url = await self._links.link(call.principal, provider, scopes, again, alias)
        title = self._registrations.provider(call.principal.tenant_id, provider).title
        message = f"open the link to connect {'the account again' if again else 'an account'} at {title}; then call again"
        return Outcome("needs_connection", connection=ConnectionRequest(provider, "needs_auth", url, message))

    async def rename(self, call: Call) -> Outcome:
        given = call.arguments
        if "alias" not in given and "default" not in given:
            return _failed("invalid_arguments", "nothing to change; give `alias`, `default` or both")
        connection = await self._changes.own(call.principal, given["provider"], given["account"])
        if "alias" in given:
            connection = await self._changes.rename(call.principal, given["provider"], connection.account_id, given["alias"])
        if "default" in given:
            connection = await self._changes.make_default(call.principal, given["provider"], connection.account_id)
        return Outcome("ok", data=self._row(call, connection))

    async def disconnect(self, call: Call) -> Outcome:
        connection, revoked = await self._changes.disconnect(call.principal, call.arguments["provider"], call.arguments["account"])
        data: dict[str, Json] = {"disconnected": connection.alias, "revoked_at_provider": revoked}
        if not revoked and (remove_at := self._changes.remove_at(connection)):
            data["remove_at_provider_too"] = remove_at
        return Outcome("ok", data=data)

    def _row(self, call: Call, connection: Connection) -> dict[str, Json]:
        readiness = self._connections.readiness_of(connection)
        row: dict[str, Json] = {
            "provider": connection.provider,
            "account": connection.alias,
            "id": connection.account_id,
            "title": connection.title,
            "status": readiness,
            "default": self._connections.of_provider(call.principal, connection.provider)[:1] == (connection,),
            "shared": connection.subject == EVERYBODY,
            "scopes": None if connection.scopes is None else sorted(connection.scopes),
            "connected_at": datetime.fromtimestamp(connection.created_at, UTC).isoformat(timespec="seconds"),
        }
        provider = self._registrations.provider(call.principal.tenant_id, connection.provider)
        if readiness == "ready" and (withheld := withheld_scopes(connection, provider.default_scopes)):
            words = ", ".join(provider.scope_words.get(scope, scope) for scope in withheld)
            row["withheld"] = list(withheld)
            row["withheld_means"] = f"not allowed when it was connected: {words}; connections.connect with this account asks again"
        return row


def answering(run: Callable[[Call], Awaitable[Outcome]]) -> Callable[[Call], Awaitable[Outcome]]:
    """Return `run` with what it refuses told as an outcome."""

    async def answer(call: Call) -> Outcome:
        try:
            return await run(call)
        except UnknownConnection as unknown:
            mine = ", ".join(unknown.known) or "none"
            return _failed("unknown_account", f"no account {unknown.account!r} of yours; yours are: {mine}", unknown.known)
        except ConnectionRefused as refused:
            return _failed("connection_refused", str(refused))

    return answer


def _failed(code: str, message: str, did_you_mean: tuple[str, ...] = ()) -> Outcome:
    return Outcome("error", error=Failure(code, message, did_you_mean=did_you_mean))


def _object(properties: Mapping[str, Json], *required: str) -> dict[str, Json]:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}
