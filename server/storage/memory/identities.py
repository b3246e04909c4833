"""Identity providers, links and sign-ins in memory, for tests: the same promises as the tables, kept by one event loop."""

from collections.abc import Sequence

from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.stores import FederatedSignIn, SubjectStore
from oauth.sign_in.subjects import Subject
from server.storage.oauth.identities import SIGN_INS_OF_A_BROWSER


class MemoryIdentityLinkStore:
    def __init__(self, subjects: SubjectStore) -> None:
        self._subjects = subjects
        self._providers: dict[tuple[str, str], IdentityProvider] = {}
        #: (tenant, issuer, external sub) -> subject_id
        self._links: dict[tuple[str, str, str], str] = {}
        self._sign_ins: dict[str, FederatedSignIn] = {}

    async def providers(self, tenant_id: str) -> Sequence[IdentityProvider]:
        return tuple(self._providers[place] for place in sorted(self._providers) if place[0] == tenant_id)

    async def provider(self, tenant_id: str, slug: str) -> IdentityProvider | None:
        return self._providers.get((tenant_id, slug))

    async def save_provider(self, provider: IdentityProvider) -> None:
        self._providers[provider.tenant_id, provider.slug] = provider

    async def remove_provider(self, tenant_id: str, slug: str) -> bool:
        return self._providers.pop((tenant_id, slug), None) is not None

    async def linked(self, tenant_id: str, issuer: str, external_sub: str) -> str | None:
        return self._links.get((tenant_id, issuer, external_sub))

    async def link_new(self, subject: Subject, issuer: str, external_sub: str) -> str:
        place = (subject.tenant_id, issuer, external_sub)
        if place not in self._links:
            self._links[place] = subject.subject_id
            await self._subjects.add(subject, None)
        return self._links[place]

    async def add_sign_in(self, sign_in: FederatedSignIn) -> None:
        self._sign_ins[sign_in.state_hash] = sign_in
        mine = [(each.expires_at, name) for name, each in self._sign_ins.items() if each.browser == sign_in.browser]
        for _, name in sorted(mine)[:-SIGN_INS_OF_A_BROWSER]:
            del self._sign_ins[name]

    async def take_sign_in(self, state_hash: str, now: float) -> FederatedSignIn | None:
        kept = self._sign_ins.pop(state_hash, None)
        return kept if kept is not None and kept.expires_at > now else None

    async def sweep(self, now: float) -> int:
        over = [name for name, each in self._sign_ins.items() if each.expires_at <= now]
        for name in over:
            del self._sign_ins[name]
        return len(over)
