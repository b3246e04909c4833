"""The authorization server: who gets a token, and the pages where people decide."""

from dataclasses import dataclass

from starlette.routing import BaseRoute

from oauth.access_tokens import AccessTokens
from oauth.authorize import Authorization
from oauth.client_assertions import ClientAssertions, KeySets
from oauth.client_authentication import ClientAuthentication
from oauth.client_documents import ClientDocuments
from oauth.clients import Clients
from oauth.consent import Consent
from oauth.consent_view import scope_words
from oauth.grants.authorization_code import AuthorizationCodeGrant
from oauth.grants.refresh_token import RefreshTokenGrant
from oauth.introspection import Introspection
from oauth.lifetimes import Lifetimes
from oauth.own_grants import OwnGrants
from oauth.passkeys import Passkeys
from oauth.passwords import Passwords
from oauth.pushed_requests import PushedRequests
from oauth.registration import Registration
from oauth.resources import Resources
from oauth.revocation import Revocation
from oauth.tenants import Tenants
from oauth.token import TokenEndpoint
from server.account_endpoints import AccountEndpoints
from server.assembly.scopes import SubjectScopes
from server.authorize_endpoint import AuthorizeEndpoint
from server.browser_session import BrowserSessions
from server.config import Settings
from server.consent_endpoints import ConsentEndpoints
from server.home_endpoints import HomeEndpoints
from server.metadata_endpoints import MetadataEndpoints
from server.oauth_endpoints import OAuthEndpoints
from server.pages.page import Pages
from server.rate_limits import RateLimits
from server.registration_endpoints import RegistrationEndpoints
from server.sign_in_endpoints import SignInEndpoints
from server.storage.change_feed import Change
from server.storage.store import Store
from tools.egress import Egress


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """What the rest of the gateway needs of it: its routes, and the check of access tokens."""

    access_tokens: AccessTokens
    revocation: Revocation
    pages: Pages
    sessions: BrowserSessions
    limits: RateLimits
    routes: list[BaseRoute]

    async def tokens_changed(self, changes: list[Change]) -> None:
        """Forget what another process revoked."""
        self.access_tokens.forget_announced(change.item for change in changes)


def assemble_authorization(
    settings: Settings, store: Store, tenants: Tenants, egress: Egress, scopes: SubjectScopes
) -> AuthorizationServer:
    """Put the authorization server together."""

    lifetimes = lifetimes_of(settings)
    words = scope_words(lambda _tenant_id, provider: provider)
    audit, limits = store.security_events, RateLimits(scale=settings.rate_limit_scale)
    pages, sessions = Pages(settings), BrowserSessions(store.browser_sessions, settings=settings)
    passwords = Passwords(store.subjects)
    passkeys = Passkeys(store.passkeys, store.subjects, origin=settings.base_url, audit=audit)

    access_tokens = AccessTokens(store.grants)
    revocation = Revocation(store.grants, store.clients, access_tokens, audit)
    resources = Resources(tenants, settings.mcp_url, settings.base_url)
    clients = Clients(store.clients, ClientDocuments(store.clients, egress.fetch, settings.base_url))
    audiences = frozenset({settings.base_url, f"{settings.base_url}/token"})
    authentication = ClientAuthentication(clients, ClientAssertions(store.grants, KeySets(egress.fetch), audiences))
    pushed = PushedRequests(store.grants, lifetimes)
    authorization = Authorization(clients, pushed, resources, scopes.of_providers, store.grants, lifetimes)
    consent = Consent(store.grants, clients, tenants, settings.base_url, scopes.allowed, words, lifetimes)
    handlers = {
        "authorization_code": AuthorizationCodeGrant(store.grants, access_tokens, resources, lifetimes),
        "refresh_token": RefreshTokenGrant(store.grants, access_tokens, resources, tenants, scopes.allowed, lifetimes),
    }
    endpoints = (
        HomeEndpoints(pages=pages, settings=settings),
        MetadataEndpoints(settings=settings, tenants=tenants, grant_types=handlers),
        AuthorizeEndpoint(
            authorization=authorization, consent=consent, sessions=sessions, pages=pages, limits=limits, issuer=settings.base_url
        ),
        SignInEndpoints(
            consent=consent,
            tenants=tenants,
            sessions=sessions,
            passwords=passwords,
            passkeys=passkeys,
            audit=audit,
            pages=pages,
            limits=limits,
        ),
        ConsentEndpoints(consent=consent, sessions=sessions, pages=pages),
        AccountEndpoints(
            tenants=tenants,
            sessions=sessions,
            passwords=passwords,
            passkeys=passkeys,
            grants=OwnGrants(store.grants, store.clients),
            scope_words=words,
            audit=audit,
            pages=pages,
            limits=limits,
        ),
        OAuthEndpoints(
            token=TokenEndpoint(authentication, handlers),
            authentication=authentication,
            revocation=revocation,
            introspection=Introspection(store.grants, settings.base_url),
            pushed=pushed,
            authorization=authorization,
            limits=limits,
        ),
        RegistrationEndpoints(
            registration=Registration(store.clients, revocation, audit, settings.base_url, scopes.of_providers), limits=limits
        ),
    )
    routes: list[BaseRoute] = [route for each in endpoints for route in each.routes()]
    return AuthorizationServer(access_tokens, revocation, pages, sessions, limits, routes)


def lifetimes_of(settings: Settings) -> Lifetimes:
    """Return the lifetimes that the operator set."""
    return Lifetimes(code_s=settings.code_ttl_s, access_token_s=settings.access_token_ttl_s, refresh_grace_s=settings.refresh_grace_s)
