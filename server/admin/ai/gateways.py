"""`gateways`: Cloudflare's named gateways, listed, made and ended, and the calls that went through them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from oauth.tenants import Tenants
from server.admin.administrators import Administrator
from server.admin.answers import nothing, page, thing
from server.admin.asked import administrator_of, json_of, limit_of, part_of, raw_body, row_cursor
from server.admin.refusals import AdminRefused, forbidden, not_found
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.config import GatewayResource
from tools.ai_gateway.configuration.gateways import DEFAULT_GATEWAY, create_gateway, delete_gateway, gateway_json, gateways_of
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.configuration.versions import AiConfigStore
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.records.log_row import log_row
from tools.ai_gateway.stores import ModelCallStore
from tools.operation import Json

#: calls that name no gateway; nobody makes or ends it
_DEFAULT: Json = {"id": DEFAULT_GATEWAY, "tenant": None, "requests_per_min": None}


@dataclass(frozen=True, slots=True)
class GatewaysEndpoint:
    store: AiConfigStore
    calls: ModelCallStore
    live: LiveConfig
    tenants: Tenants
    ledger: CallLedger

    async def list_all(self, request: Request) -> Response:
        """GET: by id, `default` first."""
        made = [gateway_json(each) for each in await self._visible(administrator_of(request))]
        return page(*part_of(request, [_DEFAULT, *made], "tenant", "id"))

    async def create(self, request: Request) -> Response:
        """POST `{id, tenant, requests_per_min?}`; 201. Where no tenant is named, it is the administrator's."""
        administrator = administrator_of(request)
        asked = json_of(await raw_body(request))
        tenant = asked.setdefault("tenant", administrator.tenant_id)
        if not administrator.reaches_gateway and tenant != administrator.tenant_id:
            raise forbidden("an administrator makes gateways of their own tenant only")
        tenants = [each.tenant_id for each in self.tenants.all()]
        made = await create_gateway(ConfigChanges(self.store), asked, tenants, administrator.by, administrator.subject)
        await self.live.load()
        return thing(made, 201, {"location": f"/admin/api/ai/gateways/{made['id']}"})

    async def show(self, request: Request) -> Response:
        """GET one."""
        if request.path_params["id"] == DEFAULT_GATEWAY:
            return thing(_DEFAULT)
        return thing(gateway_json(await self._one(request)))

    async def delete(self, request: Request) -> Response:
        """DELETE: its calls are refused from now on; its log stays. 204."""
        administrator, gateway_id = administrator_of(request), request.path_params["id"]
        if gateway_id == DEFAULT_GATEWAY:
            raise forbidden(f"{DEFAULT_GATEWAY} stands for calls without a gateway; it is always there")
        found = await self._one(request)
        await delete_gateway(ConfigChanges(self.store), found.id, found.tenant_id, administrator.by, administrator.subject)
        await self.live.load()
        return nothing()

    async def logs(self, request: Request) -> Response:
        """GET the calls, the newest first; words only where tenant and call both want them. `logs` are the same rows as `items`."""
        administrator, gateway_id = administrator_of(request), request.path_params["id"]
        limit, before = limit_of(request), row_cursor(request)
        reach = administrator.reach(request.query_params.get("tenant"))
        # What has just ended is in it, too.
        await self.ledger.flush()
        gateway = "" if gateway_id == DEFAULT_GATEWAY else gateway_id
        found = await self.calls.recent(reach, limit + 1, gateway, before)
        # The log of one that was ended can still be read.
        if not found and before is None and gateway and gateway not in {each.id for each in await self._visible(administrator)}:
            raise not_found(f"no gateway {gateway_id!r}", "GET /admin/api/ai/gateways lists them")
        rows = [log_row(record) for record in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        return page(rows, f"{last.at_us}.{last.id}" if last is not None else None, logs=rows)

    async def _one(self, request: Request) -> GatewayResource:
        """Return the gateway that is named, of the tenant that is named where more have one. Raises AdminRefused."""
        administrator, gateway_id = administrator_of(request), request.path_params["id"]
        reach = administrator.reach(request.query_params.get("tenant"))
        # Another tenant's is none: nobody learns that it is there.
        found = [each for each in await self._visible(administrator) if each.id == gateway_id and reach in (None, each.tenant_id)]
        if not found:
            raise not_found(f"no gateway {gateway_id[:80]!r}", "GET /admin/api/ai/gateways lists them")
        if len(found) > 1:
            raise AdminRefused(409, "ambiguous", f"{len(found)} tenants have a gateway of this name", "say whose with ?tenant=")
        return found[0]

    async def _visible(self, administrator: Administrator) -> list[GatewayResource]:
        document = (await self.store.newest()).document
        return [each for each in gateways_of(document) if administrator.reaches_gateway or each.tenant_id == administrator.tenant_id]
