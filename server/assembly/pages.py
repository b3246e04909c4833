"""The pages where people sign in, decide and look after their account."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

from oauth.authorization.consent_view import scope_words
from oauth.sign_in.federation import Federation
from oauth.sign_in.identity_provider_secrets import IdentityProviderSecrets
from oauth.sign_in.one_time_links import SignInLinks
from oauth.sign_in.passkeys import Passkeys
from oauth.sign_in.passwords import Passwords
from oauth.tenants import Tenants
from oauth.tokens.own_grants import OwnGrants
from oauth.vault.vault import Vault
from server.assembly.authorization import AuthorizationServer
from server.config.settings import Settings
from server.pages.account import AccountEndpoints
from server.pages.browser_session import BrowserSessions
from server.pages.consent import ConsentEndpoints
from server.pages.home import HomeEndpoints
from server.pages.page import Pages
from server.pages.sign_in import SignInEndpoints
from server.pages.sign_in_link import LinkEndpoints
from server.rate_limits import RateLimits, SharedArrivals
from server.storage.store import Store
from tools.egress.client import Egress


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
    arrivals: SharedArrivals | None = None,
) -> People:
    """Put the pages together. `arrivals`: where all nodes count what their rate limits take."""
    pages = Pages(settings)
    sessions = BrowserSessions(store.browser_sessions, settings=settings)
    limits = RateLimits(scale=settings.authorization.rate_limit_scale, shared=arrivals)
    passwords = Passwords(store.subjects)
    passkeys = Passkeys(store.passkeys, store.subjects, origin=settings.base_url, audit=store.security_events)
    federation = Federation(
        store.identities,
        store.subjects,
        egress.outbound,
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
