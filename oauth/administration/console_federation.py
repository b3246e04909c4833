"""Into the console by an identity provider that says how somebody proved who they are (operations contract, "Sign-in")."""

import hashlib
import time
from collections.abc import Callable, Mapping

from oauth.administration.errors import NotStrongEnough
from oauth.administration.stores import AdminRoleStore
from oauth.parameters import Parameters
from oauth.sign_in.errors import FederationRefused
from oauth.sign_in.federation import Answered, Federation
from oauth.sign_in.id_tokens import LEEWAY_S
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.stores import SubjectStore
from oauth.sign_in.subjects import Subject

#: as long as a proof holds for what opens doors; a session at the provider that is older is none here
PROOF_S = 600


class ConsoleFederation:
    """`federation`: with redirect paths of the console's own, so that no answer for another door serves here."""

    def __init__(
        self, federation: Federation, roles: AdminRoleStore, subjects: SubjectStore, clock: Callable[[], float] = time.time
    ) -> None:
        self._federation, self._roles, self._subjects, self._clock = federation, roles, subjects, clock

    async def offered(self, tenant_id: str) -> tuple[IdentityProvider, ...]:
        """Return the providers of a tenant that may open the console."""
        return tuple(provider for provider in await self._federation.offered(tenant_id) if provider.admin_acr)

    async def begin(self, tenant_id: str, slug: str, browser: str, onward: Mapping[str, str], *, login_hint: str = "") -> str:
        """Return the address at the provider that the browser goes to. Raises FederationRefused."""
        provider = next((each for each in await self.offered(tenant_id) if each.slug == slug), None)
        if provider is None:
            raise FederationRefused("no such identity provider opens the console")
        # Core §3.1.2.1: acr_values is a wish and `auth_time` then comes with max_age; both are looked at in what comes back.
        more = {"acr_values": " ".join(provider.admin_acr), "max_age": "0", "prompt": "login"}
        return await self._federation.begin(tenant_id, slug, _at_console(browser), onward, login_hint=login_hint, more=more)

    async def finish(
        self, tenant_id: str, slug: str, browser: str | None, answer: Parameters
    ) -> tuple[Subject, IdentityProvider, Mapping[str, str]]:
        """Return the administrator who came back, by which provider, and where they were going. Raises FederationRefused.

        NotStrongEnough: neither `acr` nor `amr` says what the provider's `admin_acr` asks for. Nobody gets an account here.
        """
        answered = await self._federation.answered(tenant_id, slug, None if browser is None else _at_console(browser), answer)
        self._check_proof(answered)
        provider = answered.provider
        subject_id = await self._federation.known(answered)
        subject = None if subject_id is None else await self._subjects.get(tenant_id, subject_id)
        # Settings may have changed hands: who came by another provider of the same issuer keeps to that one.
        if subject is None or subject.disabled or subject.identity_provider != provider.slug:
            raise FederationRefused("nobody here is linked to them", is_stranger=True)
        if await self._roles.of(tenant_id, subject.subject_id) is None:
            raise FederationRefused("they administer nothing", is_stranger=True)
        return subject, provider, answered.onward

    def _check_proof(self, answered: Answered) -> None:
        provider, claims = answered.provider, answered.claims
        said = [*_texts(claims.get("acr")), *_texts(claims.get("amr"))]
        # Core §2 (acr, amr): compared exactly; a provider that opens nothing here has none to compare with.
        if not set(said) & set(provider.admin_acr):
            raise NotStrongEnough(provider, said)
        proven_at = claims.get("auth_time")
        # Core §3.1.2.1: REQUIRED with max_age. Who was asked long ago may not be who sits there now.
        if not isinstance(proven_at, int | float) or isinstance(proven_at, bool):
            raise FederationRefused("auth_time is missing, though max_age was sent")
        if not -LEEWAY_S <= self._clock() - proven_at <= PROOF_S:
            raise FederationRefused("auth_time is not of just now")


def _at_console(browser: str) -> str:
    """Return what names a browser at this door: a sign-in that was begun at another one does not end here, nor the other way round."""
    return hashlib.sha256(f"console\n{browser}".encode()).hexdigest()


def _texts(value: object) -> list[str]:
    return [each[:200] for each in (value if isinstance(value, list) else [value])[:20] if isinstance(each, str) and each]
