"""The authorization server put together: its parts, its routes, and the guard that accepts its tokens."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import Route
from starlette.types import ASGIApp

from oauth.authorization.authorize import Authorization
from oauth.authorization.consent import Consent
from oauth.authorization.consent_view import scope_words
from oauth.authorization.device_codes import DeviceCodes
from oauth.authorization.pushed_requests import PushedRequests
from oauth.authorization.scope_narrowing import AllowedScopes, ProviderScopes
from oauth.clients.assertions import ClientAssertions
from oauth.clients.authentication import ClientAuthentication
from oauth.clients.client import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE, JWT_BEARER, REFRESH_TOKEN, TOKEN_EXCHANGE
from oauth.clients.lookup import Clients
from oauth.clients.metadata_documents import ClientDocuments
from oauth.clients.registration import Registration
from oauth.fetch import Outbound
from oauth.grants.authorization_code import AuthorizationCodeGrant
from oauth.grants.client_credentials import ClientCredentialsGrant
from oauth.grants.device_code import DeviceCodeGrant
from oauth.grants.jwt_bearer import JwtBearerGrant, SubjectOf, TrustedIssuer
from oauth.grants.refresh_token import RefreshTokenGrant
from oauth.grants.service_credentials import ServiceCredentialsGrant
from oauth.grants.token_exchange import TokenExchangeGrant
from oauth.jwt import JwksCache
from oauth.resources import Resources
from oauth.services.admin_tokens import AdminTokens
from oauth.services.stores import MachineStores
from oauth.services.workload_tokens import WorkloadTokens
from oauth.stores import AuditLog, ClientStore, GrantStore
from oauth.tenants import Tenants
from oauth.token import GrantHandler, TokenEndpoint, TokenExchange
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.introspection import Introspection
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.operator_issued import OperatorIssuedTokens
from oauth.tokens.revocation import Revocation
from oauth.tokens.static_tokens import StaticTokens, StaticTokenStore
from server.authorization.authorize import AuthorizeEndpoint
from server.authorization.device import DeviceEndpoints
from server.authorization.metadata import MetadataEndpoints
from server.authorization.registration import RegistrationEndpoints
from server.authorization.token import OAuthEndpoints
from server.authorization.trusted_issuers import load_trusted_issuers
from server.bearer import BearerGuard
from server.config.settings import Settings
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages
from server.rate_limits import RateLimits
from server.storage.change_feed import Change, ChangeFeed


@dataclass(frozen=True, slots=True)
class OAuthStores:
    """Where the authorization server remembers."""

    grants: GrantStore
    clients: ClientStore
    audit: AuditLog
    static_tokens: StaticTokenStore
    #: machines that administer; None: none may
    machines: MachineStores | None = None


class AuthorizationServer:
    """Everything that decides about tokens. Pages and the MCP endpoint are given `consent`, `revocation` and `guard`."""

    def __init__(
        self,
        *,
        settings: Settings,
        stores: OAuthStores,
        tenants: Tenants,
        send: Outbound,
        allowed_scopes: AllowedScopes,
        provider_scopes: ProviderScopes,
        provider_title: Callable[[str, str], str] = lambda _tenant_id, provider: provider,
        subject_of: SubjectOf | None = None,
        trusted_issuers: Sequence[TrustedIssuer] | None = None,
        clock: Callable[[], float] = time.time,
        watch: Callable[[TokenExchange], None] = lambda _exchange: None,
    ) -> None:
        self.settings = settings
        self.stores = stores
        self.tenants = tenants
        issuer = settings.base_url
        self.lifetimes = Lifetimes(
            code_s=settings.authorization.code_ttl_s,
            access_token_s=settings.authorization.access_token_ttl_s,
            refresh_grace_s=settings.authorization.refresh_grace_s,
        )
        self.resources = Resources(tenants, settings.mcp_url, issuer)
        self.clients = Clients(stores.clients, ClientDocuments(stores.clients, send, issuer), stores.audit, clock)
        self.access_tokens = AccessTokens(stores.grants, clock)
        self.revocation = Revocation(stores.grants, stores.clients, stores.audit, clock)
        self.minting = OperatorIssuedTokens(stores.grants, self.resources, allowed_scopes, clock)
        self.key_sets = JwksCache(send, clock)
        assertions = ClientAssertions(stores.grants, self.key_sets, frozenset({issuer, f"{issuer}/token"}), clock)
        self.authentication = ClientAuthentication(self.clients, assertions, stores.audit, clock)
        self.registration = Registration(stores.clients, self.revocation, stores.audit, issuer, provider_scopes, clock)
        self.pushed = PushedRequests(stores.grants, self.lifetimes, clock)
        self.authorization = Authorization(self.clients, self.pushed, self.resources, provider_scopes, stores.grants, self.lifetimes, clock)
        self.consent = Consent(
            stores.grants, self.clients, tenants, issuer, allowed_scopes, scope_words(provider_title), self.lifetimes, clock
        )
        self.introspection = Introspection(stores.grants, issuer, clock)
        self.devices = DeviceCodes(stores.grants, self.clients, self.resources, tenants, provider_scopes, issuer, self.lifetimes, clock)
        self.static_tokens = StaticTokens(stores.static_tokens, stores.audit, tenants, self.resources, allowed_scopes, clock)
        self.handlers_by_grant_type = self._handlers(allowed_scopes, provider_scopes, clock)
        if trusted_issuers is None:
            trusted_issuers = load_trusted_issuers(settings.data_dir)
        if trusted_issuers and subject_of is not None:
            self.handlers_by_grant_type[JWT_BEARER] = JwtBearerGrant(
                stores.grants,
                stores.audit,
                self.access_tokens,
                self.resources,
                self.key_sets,
                trusted_issuers,
                subject_of,
                allowed_scopes,
                provider_scopes,
                issuer,
                self.lifetimes,
                clock,
            )
        self.workloads = self._machines(clock)
        self.token = TokenEndpoint(self.authentication, self.handlers_by_grant_type, clock, watch, self.workloads)
        self._clock = clock

    def routes(self, *, sessions: BrowserSessions, pages: Pages, limits: RateLimits) -> list[Route]:
        """Return every route of the authorization server; they come before the guarded `/mcp/{tenant}`."""
        id_jag = JWT_BEARER in self.handlers_by_grant_type
        grant_types = [*self.handlers_by_grant_type, *([TOKEN_EXCHANGE] if self.workloads is not None else [])]
        metadata = MetadataEndpoints(settings=self.settings, tenants=self.tenants, grant_types=grant_types, id_jag=id_jag)
        authorize = AuthorizeEndpoint(
            authorization=self.authorization,
            consent=self.consent,
            sessions=sessions,
            pages=pages,
            limits=limits,
            issuer=self.settings.base_url,
            clock=self._clock,
        )
        endpoints = OAuthEndpoints(
            token=self.token,
            authentication=self.authentication,
            revocation=self.revocation,
            introspection=self.introspection,
            pushed=self.pushed,
            authorization=self.authorization,
            limits=limits,
        )
        registration = RegistrationEndpoints(registration=self.registration, limits=limits)
        devices = DeviceEndpoints(
            devices=self.devices,
            authorization=self.authorization,
            authentication=self.authentication,
            sessions=sessions,
            pages=pages,
            limits=limits,
        )
        return [*metadata.routes(), *authorize.routes(), *endpoints.routes(), *registration.routes(), *devices.routes()]

    def guard(self, app: ASGIApp) -> BearerGuard:
        """Return `app` behind the check of access tokens."""
        return BearerGuard(
            app,
            access_tokens=self.access_tokens,
            tenants=self.tenants,
            settings=self.settings,
            revocation=self.revocation,
            static_tokens=self.static_tokens,
        )

    def listen(self, feed: ChangeFeed) -> None:
        """Hear what other processes revoke, and whose rights they change; registered before the feed starts."""
        feed.listen("tokens", self._hear)
        feed.listen("subjects", self._hear_of_subjects)

    async def sweep(self) -> None:
        """Remove what has expired; to be called every few minutes."""
        await self.static_tokens.flush()
        # A sealed reply is kept as long as any grace window may need it, and no longer.
        reply_kept_s = max(self.lifetimes.grace_s(True), self.lifetimes.grace_s(False))
        await self.stores.grants.sweep(self._clock(), reply_kept_s)

    def _handlers(
        self, allowed_scopes: AllowedScopes, provider_scopes: ProviderScopes, clock: Callable[[], float]
    ) -> dict[str, GrantHandler]:
        """Return what every gateway exchanges for tokens, by grant type."""
        grants, tokens, resources, lifetimes = self.stores.grants, self.access_tokens, self.resources, self.lifetimes
        return {
            AUTHORIZATION_CODE: AuthorizationCodeGrant(grants, tokens, resources, lifetimes, clock),
            REFRESH_TOKEN: RefreshTokenGrant(grants, tokens, resources, self.tenants, allowed_scopes, lifetimes, clock),
            CLIENT_CREDENTIALS: ClientCredentialsGrant(grants, tokens, resources, self.tenants, provider_scopes, lifetimes, clock),
            DEVICE_CODE: DeviceCodeGrant(grants, tokens, lifetimes, clock),
        }

    def _machines(self, clock: Callable[[], float]) -> TokenExchangeGrant | None:
        """Let machines that administer have tokens: those with a key by client credentials, those of a platform by exchange."""
        stores, machines = self.stores, self.stores.machines
        if machines is None:
            return None
        admin_url = self.settings.admin_url
        tokens = AdminTokens(stores.grants, self.access_tokens, self.resources, self.tenants, self.lifetimes, admin_url, clock)
        others = self.handlers_by_grant_type[CLIENT_CREDENTIALS]
        self.handlers_by_grant_type[CLIENT_CREDENTIALS] = ServiceCredentialsGrant(stores.grants, machines.services, tokens, others, clock)
        return TokenExchangeGrant(stores.grants, stores.audit, WorkloadTokens(machines.policies, self.key_sets), tokens, clock)

    async def _hear(self, changes: list[Change]) -> None:
        items = [change.item for change in changes]
        self.access_tokens.forget_announced(items)
        self.static_tokens.forget([bytes.fromhex(item.removeprefix("token:")) for item in items if item.startswith("token:")])

    async def _hear_of_subjects(self, changes: list[Change]) -> None:
        self.static_tokens.forget_subjects({(change.tenant_id, change.item) for change in changes})
