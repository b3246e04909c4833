"""gateway.account.whoami and gateway.time.now: who is calling, and when."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oauth.tenants import Tenants
from tools.operation import Call, Failure, Outcome
from tools.sources.builtin import BuiltinFunction

_NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


class Whoami:
    """Says what the gateway knows of the caller from its token."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def __call__(self, call: Call) -> Outcome:
        principal = call.principal
        tenant = self._tenants.get(principal.tenant_id)
        return Outcome(
            "ok",
            data={
                "tenant": {"id": principal.tenant_id, "title": tenant.title if tenant else principal.tenant_id},
                "subject": principal.subject,
                "client_id": principal.client_id,
                "scopes": sorted(principal.scopes),
                "auth_method": principal.auth_method,
                "destructive_operations": "ask first" if tenant is None or tenant.confirm_destructive else "run at once",
                "client": {"name": call.client.name, "version": call.client.version, "protocol_version": call.client.protocol_version},
            },
        )

    def function(self) -> BuiltinFunction:
        return BuiltinFunction("gateway.account.whoami", self, _NOTHING, scope="mcp", example={})


class Now:
    """Says what time it is, since models do not know."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    async def __call__(self, call: Call) -> Outcome:
        name = call.arguments.get("zone", "UTC")
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"arguments.zone: '{name[:60]}' is not a time zone; use a name of the IANA database, like Europe/Berlin"
            return Outcome("error", error=Failure("invalid_arguments", message))
        moment = datetime.fromtimestamp(self._clock(), UTC)
        local = moment.astimezone(zone)
        return Outcome(
            "ok",
            data={
                "utc": moment.isoformat(timespec="seconds"),
                "local": local.isoformat(timespec="seconds"),
                "zone": name,
                "date": local.date().isoformat(),
                "weekday": local.strftime("%A"),
                "unix_s": int(moment.timestamp()),
            },
        )

    def function(self) -> BuiltinFunction:
        schema = {
            "type": "object",
            "properties": {"zone": {"type": "string", "minLength": 1, "maxLength": 64, "default": "UTC"}},
            "additionalProperties": False,
        }
        return BuiltinFunction("gateway.time.now", self, schema, scope="mcp", example={"zone": "Europe/Berlin"})
