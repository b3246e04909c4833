"""RFC 8414 and RFC 9728 documents, pure functions of what the gateway is."""

from collections.abc import Iterable, Mapping

from oauth.clients.client import CLIENT_AUTH_METHODS
from oauth.jwt import ALGORITHMS
from oauth.scopes import OFFLINE
from oauth.tenants import Tenant

ID_JAG_PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"


def authorization_server_metadata(
    issuer: str, grant_types: Iterable[str], scopes: Iterable[str], *, id_jag: bool = False
) -> Mapping[str, object]:
    """Return the authorization server metadata (RFC 8414 §2). The issuer has no trailing slash, here and everywhere."""
    confidential = [method for method in CLIENT_AUTH_METHODS if method != "none"]
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "scopes_supported": [*sorted(scopes), OFFLINE],
        "response_types_supported": ["code"],
        # RFC 9700 §2.1.2: what is not offered cannot be downgraded to
        "response_modes_supported": ["query"],
        "grant_types_supported": sorted(grant_types),
        # RFC 9700 §2.1.1: also tells clients that PKCE is there; MCP clients refuse to go on without
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(CLIENT_AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(CLIENT_AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        # RFC 7662 §2.1: not `none`
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        # RFC 9207 §3: then a client refuses an answer without `iss`
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_pushed_authorization_requests": False,
    }
    return document | ({"authorization_grant_profiles_supported": [ID_JAG_PROFILE]} if id_jag else {})


def protected_resource_metadata(tenant: Tenant, resource: str, issuer: str, scopes: Iterable[str]) -> Mapping[str, object]:
    """Return the protected resource metadata of a tenant (RFC 9728 §2); `offline_access` is the authorization server's affair."""
    return {
        "resource": resource,
        "authorization_servers": [issuer],
        "scopes_supported": sorted(set(scopes) - {OFFLINE}),
        # RFC 6750 §2.3, RFC 9728 §2: not in a body, not in a query
        "bearer_methods_supported": ["header"],
        "resource_name": tenant.title,
    }


def resource_metadata_url(base_url: str, resource: str) -> str:
    """Return where the metadata of `resource` is: the well-known path goes between host and path (RFC 9728 §3.1)."""
    return f"{base_url}/.well-known/oauth-protected-resource{resource.removeprefix(base_url)}"
