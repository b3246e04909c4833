"""The pages where people sign in, decide and look after their account."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

from oauth.consent_view import scope_words
from oauth.federation import Federation
from oauth.identity_provider_secrets import IdentityProviderSecrets
from oauth.own_grants import OwnGrants
from oauth.passkeys import Passkeys
from oauth.passwords import Passwords
from oauth.sign_in_links import SignInLinks
from oauth.tenants import Tenants
from oauth.vault.vault import Vault
from server.account_endpoints import AccountEndpoints
from server.authorization_server import AuthorizationServer
from server.browser_session import BrowserSessions
from server.config import Settings
from server.consent_endpoints import ConsentEndpoints
from server.home_endpoints import HomeEndpoints
from server.link_endpoints import LinkEndpoints
from server.pages.page import Pages
from server.provider_egress import ProviderEgress
from server.rate_limits import RateLimits
from server.sign_in_endpoints import SignInEndpoints
from server.storage.store import Store
from tools.egress import Egress


@dataclass(frozen=True, slots=True)
class People:
    """What pages share, and their routes."""

    pages: Pages
    sessions: BrowserSessions
    limits: RateLimits
    routes: list[Route]


def assemble_people(
    settings: Settings,
    store: Store,
    tenants: Tenants,
    egress: Egress,
    authorization: AuthorizationServer,
    vault: Vault,
    provider_title: Callable[[str, str], str],
) -> People:
    """Put the pages together."""
    pages = Pages(settings)
    sessions = BrowserSessions(store.browser_sessions, settings=settings)
    limits = RateLimits(scale=settings.rate_limit_scale)
    passwords = Passwords(store.subjects)
    passkeys = Passkeys(store.passkeys, store.subjects, origin=settings.base_url, audit=store.security_events)
    federation = Federation(
        store.identities,
        store.subjects,
        ProviderEgress(egress),
        secret_of=IdentityProviderSecrets(vault).secret_of,
        base_url=settings.base_url,
    )
    sign_in = SignInEndpoints(
        consent=authorization.consent,
        tenants=tenants,
        sessions=sessions,
        passwords=passwords,
        passkeys=passkeys,
        audit=store.security_events,
        pages=pages,
        limits=limits,
        federation=federation,
    )
    account = AccountEndpoints(
        tenants=tenants,
        sessions=sessions,
        passwords=passwords,
        passkeys=passkeys,
        grants=OwnGrants(store.grants, store.clients),
        scope_words=scope_words(provider_title),
        audit=store.security_events,
        pages=pages,
        limits=limits,
    )
    links = LinkEndpoints(
        links=SignInLinks(store.passkeys, store.subjects),
        tenants=tenants,
        sessions=sessions,
        audit=store.security_events,
        pages=pages,
        limits=limits,
    )
    consent = ConsentEndpoints(consent=authorization.consent, sessions=sessions, pages=pages)
    home = HomeEndpoints(pages=pages, settings=settings)
    routes = [*home.routes(), *sign_in.routes(), *links.routes(), *consent.routes(), *account.routes()]
    return People(pages, sessions, limits, routes)
