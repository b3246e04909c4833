"""Who calls a model: a caller's key, or an access token for `{base}/v1` with llm:write."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from oauth.scopes import MODELS, permits
from oauth.sign_in.person_names import NameOf
from oauth.tenants import Tenants
from oauth.tokens.access_tokens import AccessTokens
from tools.ai_gateway.caller_keys import CallerKeys
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.model_request import ModelCaller
from tools.ai_gateway.refusals import forbidden, two_credentials, unauthenticated

_GATEWAY_HEADERS = ("x-gateway-authorization", "cf-aig-authorization")


class ModelCallers:
    """Turns the headers of a request into a `ModelCaller`. From memory, but for a token or person that this process sees first."""

    def __init__(
        self,
        keys: CallerKeys,
        access_tokens: AccessTokens,
        tenants: Tenants,
        config: Callable[[], AiConfig],
        resource_of: Callable[[str], str],
        name_of: NameOf,
    ) -> None:
        """`resource_of`: the resource that a tenant's access tokens for models are for (RFC 8707)."""
        self._keys, self._access_tokens, self._tenants = keys, access_tokens, tenants
        self._config, self._resource_of, self._name_of = config, resource_of, name_of

    async def caller(self, headers: Mapping[str, str]) -> ModelCaller:
        """Return who calls; `headers` are lower-case. Raises ModelCallRefused."""
        own_header = next((headers[name] for name in _GATEWAY_HEADERS if name in headers), None)
        if own_header is not None:
            found = await self._verified(_bearer(own_header))
            return self._with_own_key(found, headers)
        offered = dict.fromkeys(filter(None, (_bearer(headers.get("authorization", "")), headers.get("x-api-key", "").strip())))
        if not offered:
            raise unauthenticated()
        # An apiKeyHelper sends its key in both headers; two different ones leave open who calls.
        if len(offered) > 1:
            raise two_credentials()
        return await self._verified(next(iter(offered)))

    async def _verified(self, credential: str) -> ModelCaller:
        if (key := self._keys.verify(credential)) is not None:
            caller = ModelCaller(key.tenant_id, key.key_id, key.name, key.user, key.allow)
        else:
            verified = await self._access_tokens.verify(credential)
            # RFC 8707 §2: for this resource and no other; one answer for all reasons.
            if verified is None or verified.resource != self._resource_of(verified.principal.tenant_id):
                raise unauthenticated()
            principal = verified.principal
            if not permits(principal.scopes, MODELS):
                raise forbidden(f"the access token has not the scope {MODELS}")
            caller = ModelCaller(principal.tenant_id, user=await self._name_of(principal), principal=principal)
        tenant = self._tenants.get(caller.tenant_id)
        if tenant is None or tenant.suspended:
            raise unauthenticated()
        return caller

    def _with_own_key(self, caller: ModelCaller, headers: Mapping[str, str]) -> ModelCaller:
        """Return the caller with the provider key that came beside the gateway's, where the tenant lets callers bring one."""
        rules = self._config().tenants.get(caller.tenant_id)
        if rules is None or not rules.caller_keys:
            return caller
        for name in ("authorization", "x-api-key", "x-goog-api-key"):
            value = headers.get(name, "").strip()
            # The gateway's own key in a second header is no provider's.
            if value and self._keys.verify(_bearer(value) or value) is None:
                return replace(caller, own_key=(name, value))
        return caller


def _bearer(value: str) -> str:
    scheme, _, credential = value.strip().partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""
