"""The demo CRM as a provider of third-party accounts: what `oauth/connections/providers/*.yaml` says of the others."""

from typing import Any

from oauth.connections.upstream.registrations import SHARED, Registrations, UpstreamRegistration
from server.demo.grants import SCOPES, OAuthClient


def definition(base_url: str, provider: str = "crm") -> dict[str, Any]:
    """Return the definition of the demo CRM at `base_url`, to be registered with its client id and secret."""
    return {
        "id": provider,
        "title": "Demo CRM",
        "auth": "oauth2",
        "issuer": base_url,
        "requires_issuer": True,
        "authorize_url": f"{base_url}/oauth/authorize",
        "token_url": f"{base_url}/oauth/token",
        "revoke": {"url": f"{base_url}/oauth/revoke", "style": "rfc7009", "token": "refresh"},
        "pkce": "S256",
        "client_auth": "basic",
        "default_scopes": ["crm.read"],
        "scopes_are_complete": True,
        "scope_words": dict(SCOPES),
        "refresh": {"rotates": "always"},
        "account": {"request": {"url": f"{base_url}/oauth/userinfo"}, "id": "me.sub", "title": "join(', ', [me.name, me.email])"},
    }


async def register(registrations: Registrations, base_url: str, client: OAuthClient, provider: str = "crm") -> None:
    """Let the people of every tenant connect accounts of the demo CRM at `base_url`, which asks them for consent."""
    registration = UpstreamRegistration(SHARED, provider, client.client_id, definition(base_url, provider))
    await registrations.add(registration, client.client_secret, "operator")
