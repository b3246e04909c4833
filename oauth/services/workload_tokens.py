"""What a platform signs about a workload: verified by the keys of an issuer that somebody trusts."""

from collections.abc import Mapping

from oauth.errors import AssertionRefused, FetchRefused, RegistrationRefused
from oauth.jwt import JwksCache, decode, unverified
from oauth.services.stores import TrustPolicyStore
from oauth.services.trust_policy import TrustPolicy


class WorkloadTokens:
    def __init__(self, policies: TrustPolicyStore, key_sets: JwksCache) -> None:
        self._policies, self._key_sets = policies, key_sets

    async def verified(self, subject_token: str, tenant_id: str | None) -> tuple[list[TrustPolicy], Mapping[str, object]]:
        """Return a tenant's policies that trust the token's issuer by keys that signed it, and its claims; None: those of every tenant.

        Only that tenant's addresses are asked for keys, and each speaks for the policies that name it. Raises AssertionRefused.
        """
        # RFC 8725 §3.10: what is read here only chooses whose keys to try; nothing else counts before the signature.
        header, claimed = unverified(subject_token)
        issuer, key_id = claimed.get("iss"), header.get("kid")
        policies = await self._policies.of_issuer(issuer, tenant_id) if isinstance(issuer, str) and len(issuer) <= 512 else []
        if not policies:
            raise AssertionRefused("the issuer of the subject token is not trusted")
        wanted = key_id if isinstance(key_id, str) else None
        refused: AssertionRefused | None = None
        claims: Mapping[str, object] = {}
        vouched = set[str]()
        for uri in sorted({policy.jwks_uri for policy in policies}):
            try:
                claims = decode(subject_token, await self._key_sets.keys("", uri, wanted_key_id=wanted)).claims
            except (FetchRefused, RegistrationRefused):
                refused = AssertionRefused("the keys of the subject token's issuer cannot be read")
            except AssertionRefused as error:
                refused = error
            else:
                vouched.add(uri)
        if not vouched:
            raise refused or AssertionRefused("the subject token's signature is not valid")
        # RFC 8693 §1.1: delegation would have one act for another; nobody may here.
        if "act" in claims or "cnf" in claims:
            raise AssertionRefused("the subject token is bound to another party or key, which this server cannot check")
        return [policy for policy in policies if policy.jwks_uri in vouched], claims
