"""The administration put together: who may, and what they see and change of the AI gateway."""

from collections.abc import Sequence

from starlette.routing import Mount

from oauth.metadata import resource_metadata_url
from oauth.resources import Resources
from oauth.tenants import Tenants
from oauth.tokens.access_tokens import AccessTokens
from server.admin.administrators import Administrators
from server.admin.ai.config import ConfigEndpoint
from server.admin.ai.gateways import GatewaysEndpoint
from server.admin.ai.reports import ReportsEndpoint
from server.admin.ai.routes import AiAdministration
from server.admin.ai.targets import TargetsEndpoint
from server.admin.api.changes import ApiChanges
from server.admin.api.endpoint import AdminApi
from server.admin.api.repetitions import Repetitions
from server.admin.door import AdminDoor
from server.admin.guard import AdminGuard
from server.admin.machines import Machines
from server.admin.resource import Resource
from server.assembly.ai_gateway import AiGateway
from server.config.settings import Settings
from server.storage.store import Store


def assemble_admin(
    settings: Settings, store: Store, tenants: Tenants, access_tokens: AccessTokens, ai: AiGateway, nouns: Sequence[Resource]
) -> Mount:
    """Return `/admin/api/…`."""
    resources = Resources(tenants, settings.mcp_url, settings.base_url)

    def resource_of(tenant_id: str) -> str:
        return resources.of(tenant_id, "admin")

    of_ai = AiAdministration(
        ConfigEndpoint(store.ai_configs, ai.config, tenants),
        GatewaysEndpoint(store.ai_configs, store.model_calls, ai.config, tenants, ai.ledger),
        ReportsEndpoint(
            configs=store.ai_configs,
            live=ai.config,
            calls=store.model_calls,
            ledger=ai.ledger,
            budget_store=store.budgets,
            keys=store.caller_keys,
            experiment_calls=store.experiment_calls,
            feedback=store.feedback,
            comparisons=store.comparisons,
        ),
        TargetsEndpoint(ai.config, ai.provider_keys, ai.calls.books.breakers, ai.standing),
    )
    api = AdminApi(
        nouns,
        ApiChanges(Repetitions(store.idempotency)),
        {"ai": of_ai.router()},
        origin=settings.admin_url,
        token_url=f"{settings.base_url}/token",
    )
    machines = Machines(store.machines)
    administrators = Administrators(access_tokens, store.subjects, store.admin_roles, tenants, resource_of, machines.of)
    metadata_url = resource_metadata_url(settings.admin_url, f"{settings.admin_url}/admin")
    return Mount("/admin/api", AdminDoor(AdminGuard(api, administrators, metadata_url), settings.observability.admin_allow))
