"""The administration put together: who may, and what they see and change of the AI gateway."""

from starlette.types import ASGIApp

from oauth.metadata import resource_metadata_url
from oauth.resources import Resources
from server.admin.administrators import Administrators
from server.admin.ai.config import ConfigEndpoint
from server.admin.ai.gateways import GatewaysEndpoint
from server.admin.ai.reports import ReportsEndpoint
from server.admin.ai.routes import AiAdministration
from server.admin.ai.targets import TargetsEndpoint
from server.admin.api.changes import ApiChanges
from server.admin.api.endpoint import AdminApi
from server.admin.api.repetitions import Repetitions
from server.admin.guard import AdminGuard
from server.admin.machines import Machines
from server.assembly.administration.administration import Administration


def ai_administration(administration: Administration) -> AiAdministration:
    """Return what `/admin/api/ai/…` has."""
    store, tenants, ai = administration.store, administration.tenants, administration.ai_gateway
    return AiAdministration(
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


def open_api(administration: Administration) -> ASGIApp:
    """Return the application of `/admin/api/…`."""
    settings, store, tenants = administration.settings, administration.store, administration.tenants
    resources = Resources(tenants, settings.mcp_url, settings.base_url)

    def resource_of(tenant_id: str) -> str:
        return resources.of(tenant_id, "admin")

    ai = ai_administration(administration)
    api = AdminApi(
        administration.nouns,
        ApiChanges(Repetitions(store.idempotency)),
        {"ai": ai.router()},
        origin=settings.admin_url,
        token_url=f"{settings.base_url}/token",
        routes=ai.routes(),
    )
    machines = Machines(store.machines)
    administrators = Administrators(administration.access_tokens, store.subjects, store.admin_roles, tenants, resource_of, machines.of)
    metadata_url = resource_metadata_url(settings.admin_url, f"{settings.admin_url}/admin")
    return AdminGuard(api, administrators, administration.limits, metadata_url)
