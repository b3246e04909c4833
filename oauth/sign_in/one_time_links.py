"""One-time sign-in links, made by an operator: the first way in where there are no passwords, and the way back when a device is lost."""

import hashlib
import secrets
import time
from collections.abc import Callable

from oauth.sign_in.stores import PasskeyStore, SubjectStore
from oauth.sign_in.subjects import Subject

# it stands in a mail or a chat, so it is good for one opening and not for long
LINK_S = 3600


class SignInLinks:
    """A link names its subject and holds 256 random bits, of which only the hash is kept. It serves once, within an hour."""

    def __init__(self, store: PasskeyStore, subjects: SubjectStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._subjects = subjects
        self._clock = clock

    async def make(self, subject: Subject) -> str:
        """Return the path of a new link, below our origin. Whoever opens it first is signed in as `subject`."""
        token = f"{subject.tenant_id}.{subject.subject_id}.{secrets.token_urlsafe(32)}"
        await self._store.add_challenge(_hash(token), _place(subject.tenant_id, subject.subject_id), "link", self._clock() + LINK_S)
        return f"/login/link/{token}"

    async def use(self, token: str) -> Subject | None:
        """Return the subject of a link and forget the link; None where it is unknown, used, expired, or its subject is disabled."""
        tenant_id, _, rest = token.partition(".")
        subject_id, _, _ = rest.partition(".")
        # One use, in one step: two browsers that open it at once get one session.
        if not await self._store.take_challenge(_hash(token), _place(tenant_id, subject_id), "link", self._clock()):
            return None
        subject = await self._subjects.get(tenant_id, subject_id)
        # Made an hour ago, perhaps; the person may be disabled since.
        return None if subject is None or subject.disabled else subject

    @staticmethod
    def tenant_of(token: str) -> str:
        """Return the tenant that a link names, not yet believed."""
        return token.partition(".")[0]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _place(tenant_id: str, subject_id: str) -> str:
    # Bound to its subject: the names in front are the sender's word, and another name is another place.
    return _hash(f"link\n{tenant_id}\n{subject_id}")
