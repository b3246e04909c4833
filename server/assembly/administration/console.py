"""The console opened: its pages, and the only way into them."""

from urllib.parse import urlsplit

import anyio.to_thread
from starlette.routing import Router

from oauth.administration.console_federation import ConsoleFederation
from oauth.administration.console_passkeys import ConsolePasskeys
from oauth.administration.invites import Invites
from oauth.sign_in.federation import Federation
from oauth.sign_in.identity_provider_secrets import IdentityProviderSecrets
from oauth.sign_in.passkeys import Passkeys
from server.admin.console.opening import ConsoleParts, open_console
from server.admin.console.session import PasskeySessions
from server.admin.console.ways_in.identity_provider import BACK_TO, ConsoleProviders
from server.admin.console.ways_in.invite import InvitePages
from server.admin.console.ways_in.sign_in import ConsoleSignIn
from server.admin.console.ways_in.step_up import StepUp
from server.assembly.administration.administration import Administration
from server.config.backup_folder import newest_backup_at
from server.pages.page import Pages


def open_pages(administration: Administration) -> Router:
    """Return the application of everything below `/admin` but its API."""
    settings, store, tenants, limits = administration.settings, administration.store, administration.tenants, administration.limits
    origin, audit = settings.admin_url, store.security_events
    sessions = PasskeySessions(store.admin_sessions, tenants, origin)
    passkeys = ConsolePasskeys(
        Passkeys(store.passkeys, store.subjects, origin=origin, audit=audit),
        store.passkeys,
        store.admin_roles,
        Invites(store.admin_invites, store.admin_roles, store.subjects, audit),
        store.admin_invites,
    )
    pages = Pages(settings.changed(base_url=origin))
    signing_in = ConsoleSignIn(sessions=sessions, passkeys=passkeys, tenants=tenants, audit=audit, pages=pages, limits=limits)
    invites = InvitePages(sessions=sessions, passkeys=passkeys, tenants=tenants, audit=audit, pages=pages, limits=limits)
    step_up = StepUp(sessions, passkeys, pages, limits)
    secrets = IdentityProviderSecrets(administration.connections.vault)
    away = Federation(
        store.identities, store.subjects, administration.egress.outbound, secret_of=secrets.secret_of, base_url=origin, path=BACK_TO
    )
    signing_in.federation = ConsoleFederation(away, store.admin_roles, store.subjects)
    providers = ConsoleProviders(
        federation=signing_in.federation, sessions=sessions, tenants=tenants, audit=audit, pages=pages, limits=limits
    )
    icon, host = pages.static.url("ascend.svg"), urlsplit(origin).netloc

    async def newest_backup() -> float | None:
        return await anyio.to_thread.run_sync(newest_backup_at, settings)

    parts = ConsoleParts(
        sessions=sessions,
        nouns=administration.nouns,
        tenants=tenants,
        store=store,
        host=host,
        icon=icon,
        data_dir=settings.data_dir,
        newest_backup=newest_backup,
        sinks=lambda: administration.config.current.sinks,
        alerts=lambda: administration.config.current.alerts,
        optional={**administration.shared.checks, **administration.siblings.checks},
    )
    console = open_console(parts)
    routes = [*signing_in.routes(), *providers.routes(), *invites.routes(), *step_up.routes(), *console.routes]
    return Router(routes, redirect_slashes=False, default=console.default)
