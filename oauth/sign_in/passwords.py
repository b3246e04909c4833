"""Check passwords (Argon2id, RFC 9106) without saying who exists."""

import secrets
import unicodedata
from base64 import b64encode

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from oauth.sign_in.errors import HashingBusy, InvalidInput
from oauth.sign_in.stores import SubjectStore
from oauth.sign_in.subjects import Subject, clean_display_name, new_subject_id, normalize_email

# NIST SP 800-63B: length is what counts, no rules about which characters
MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_BYTES = 1024  # Long enough for any phrase, short enough that hashing it costs nothing extra.
#: OWASP's first choice for Argon2id: 19 MiB, two passes, one lane; about 25 ms on the machines we run on.
HASHER = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1, type=Type.ID)
HASHES_AT_ONCE = 2
#: about a second of work; whoever comes on top is sent away rather than kept waiting
MAX_WAITING = 100


class Passwords:
    """Sets and checks passwords. Hashing runs in a thread, few at a time, so that guesses cannot starve the event loop."""

    def __init__(self, subjects: SubjectStore, *, hasher: PasswordHasher | None = None) -> None:
        """hasher: HASHER, unless another is given."""
        self._subjects = subjects
        self._hasher = hasher or HASHER
        # Verified against when there is no such subject, so that unknown and known ones cost the same work.
        self._nobody = _hash_of_nobody(self._hasher)
        self._limiter: CapacityLimiter | None = None
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """Return the hash to keep. Raises InvalidInput."""
        if len(password) < MIN_PASSWORD_LENGTH:
            raise InvalidInput(f"password: shorter than {MIN_PASSWORD_LENGTH} characters; choose a longer one")
        if len(_bytes_of(password)) > MAX_PASSWORD_BYTES:
            raise InvalidInput(f"password: longer than {MAX_PASSWORD_BYTES} bytes; choose a shorter one")
        return await self._hash(password)

    async def add_subject(
        self,
        tenant_id: str,
        email: str,
        password: str | None,
        *,
        display_name: str = "",
        allowed_scopes: frozenset[str] | None = None,
    ) -> Subject:
        """Make a subject of the tenant that signs in here. Raises InvalidInput, AlreadyTaken."""
        subject = Subject(
            tenant_id=tenant_id,
            subject_id=new_subject_id(),
            email=normalize_email(email),
            display_name=clean_display_name(display_name),
            allowed_scopes=allowed_scopes,
        )
        await self._subjects.add(subject, None if password is None else await self.hash(password))
        return subject

    async def verify(self, tenant_id: str, email: str, password: str) -> Subject | None:
        """Return the subject whose password this is; None for a wrong one, an unknown e-mail, a disabled subject alike.

        Raises HashingBusy.
        """
        # Argon2id takes 19 MiB and 25 ms by design, so a line without end would be the attack.
        if self._under_way >= MAX_WAITING:
            raise HashingBusy("too many passwords wait to be checked")
        self._under_way += 1
        try:
            return await self._verify(tenant_id, email, password)
        finally:
            self._under_way -= 1

    async def set(self, subject: Subject, new: str) -> bool:
        """Give a subject a password, as an operator may; False where there is no such subject. Raises InvalidInput."""
        return await self._subjects.set_password(subject.tenant_id, subject.subject_id, await self.hash(new))

    async def change(self, subject: Subject, current: str, new: str) -> bool:
        """Replace the password of a subject who knows the current one; False where they do not. Raises InvalidInput."""
        found = await self._subjects.find_local(subject.tenant_id, subject.email)
        # The session's own subject: an address that moved to another one must not change that one's password.
        if found is None or found[0].subject_id != subject.subject_id or found[1] is None:
            return False
        if not await to_thread.run_sync(self._matches, found[1], current, limiter=self._turn()):
            return False
        return await self._subjects.set_password(subject.tenant_id, subject.subject_id, await self.hash(new))

    async def _verify(self, tenant_id: str, email: str, password: str) -> Subject | None:
        try:
            found = await self._subjects.find_local(tenant_id, normalize_email(email))
        except InvalidInput:
            found = None
        subject, kept = found or (None, None)
        # Always one verification, for unknown addresses too, so that time says nothing of who exists.
        right = await to_thread.run_sync(self._matches, kept or self._nobody, password, limiter=self._turn())
        # Disabled is looked at last and says the same: nobody learns that the password was right.
        if subject is None or kept is None or not right or subject.disabled:
            return None
        # RFC 9106 §4: parameters grow with machines, and only now the password is at hand.
        if self._hasher.check_needs_rehash(kept):
            await self._subjects.set_password(tenant_id, subject.subject_id, await self._hash(password))
        return subject

    async def _hash(self, password: str) -> str:
        return await to_thread.run_sync(self._hasher.hash, _bytes_of(password), limiter=self._turn())

    def _matches(self, kept: str, password: str) -> bool:
        try:
            # Cut, not refused: what is too long costs the same work and cannot match what `hash` lets through.
            return self._hasher.verify(kept, _bytes_of(password)[: MAX_PASSWORD_BYTES + 1])
        except (VerificationError, InvalidHashError):
            return False

    def _turn(self) -> CapacityLimiter:
        # Made at the first use, because a limiter belongs to a running event loop.
        if self._limiter is None:
            self._limiter = CapacityLimiter(HASHES_AT_ONCE)
        return self._limiter


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """Return a hash that no password has, in the encoding of the reference implementation: drawn, because hashing takes 25 ms."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _bytes_of(password: str) -> bytes:
    # Keyboards differ in how they compose letters; NFKC makes them one (NIST SP 800-63B §3.1.1.2).
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def new_password() -> str:
    """Return a password for a person to copy: 80 random bits in groups that can be read out loud."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"  # without 0 and o, 1, i and l
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))
