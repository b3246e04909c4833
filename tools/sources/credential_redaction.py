"""The one redaction: what an upstream sends back of an account's secrets reaches nobody, in whatever spelling it comes.

A runner asks for it once for each answer, before anything else sees that answer: bodies as bytes, before they are decoded, and headers
and addresses. Whoever holds a secret may still disguise it; what is found is what honest encoders make of a repeated request.
"""

import codecs
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import AnyStr

import orjson

from oauth.connections.credentials import Credential
from tools.operation import REDACTED, Failure, Json, Outcome
from tools.sources.secret_spellings import in_base64, needle_of, needles_in_base64, reach_of, spelt, spelt_in_base64
from tools.turns import in_turns

#: REDACTED in base64
_IN_BASE64 = "Kioq"
NOTE = "the upstream repeated the account's credential in its answer; it reads *** here"
#: shorter ones are no secrets, and would be found everywhere
MIN_SECRET_CHARS = 8
#: fewer characters begin many things, and tell nobody anything
_LEAST_BEGINNING = 4
#: what is searched by a pattern before others have a turn; what is shorter is done at once
STEP_BYTES = 64 * 1024
#: of which a plain search takes as long
_SEARCH_BYTES = 2 << 20
#: charsets that write ASCII with zeros between
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_MAX_BYTES_OF_CHARACTER = 4


class Redaction:
    """Takes the secrets of some credentials out of what came back.

    Encoders for URLs, JSON and HTML leave letters and digits as they are, so an answer without the longest run of those in a secret
    does not hold it in any spelling; base64 writes it in one of three ways, by where it begins. A few searches at the speed of C for
    each secret, and nothing more for nearly every answer.
    """

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._secrets: list[str] = []
        self._needles: list[bytes] = []
        #: the secrets in base64, whole groups of four; worked out once something may hold them
        self._encoded: list[str] = []
        #: set once something was taken out
        self.is_used = False
        for credential in credentials:
            for secret in _secrets_of(credential):
                self.add(secret)

    def add(self, secret: str) -> None:
        """Take out `secret`, too: what was made of a credential for a request, as a signature or the pair of Basic."""
        if len(secret) >= MIN_SECRET_CHARS:
            self._secrets.append(secret)
            self._needles += (needle_of(secret), *needles_in_base64(secret))

    def holds(self, body: bytes) -> bool:
        """Say whether text in UTF-8 may hold a secret; nearly always it does not."""
        # On the way of every call: a generator would take longer than the search.
        return next(filter(body.__contains__, self._needles), None) is not None

    def begins_at(self, data: bytes) -> int:
        """Return where at the end of a piece a secret may begin that the next piece goes on with; the piece's length: nowhere."""
        least = len(data)
        for secret in self._secrets:
            raw = secret.encode(errors="replace")
            longest = min(len(raw) - 1, len(data))
            found = next((size for size in range(longest, _LEAST_BEGINNING - 1, -1) if data.endswith(raw[:size])), 0)
            least = min(least, len(data) - found)
        return least

    def body(self, body: bytes) -> bytes:
        """Return bytes without the secrets, whatever they are the text of."""
        if b"\0" in body and self.holds(body.translate(None, b"\0")):
            for encoding in _WIDE:
                # In the other byte order the text is another one.
                wide = body.decode(encoding, "replace")
                if (cleaned := self.text(wide)) != wide:
                    return cleaned.encode(encoding, "replace")
        return re.sub(self._pattern().encode(), self._replaced_bytes, body) if self.holds(body) else body

    async def body_in_turns(self, body: bytes) -> bytes:
        """Return what `body` returns; of what is long a part at a time, so that nobody else waits for the whole."""
        if len(body) <= STEP_BYTES or not self._needles:
            return self.body(body)
        if b"\0" in body and await _is_any_in(self._needles, body, is_wide=True):
            for encoding in _WIDE:
                if (cleaned := await self._wide(body, encoding)) is not None:
                    return cleaned
        if not await _is_any_in(self._needles, body):
            return body
        found = self._pieces(body, self._pattern().encode(), self._needles, self._replaced_bytes)
        return b"".join([piece async for piece in in_turns(found)])

    async def _wide(self, body: bytes, encoding: str) -> bytes | None:
        """Return text in UTF-16 or UTF-32 without the secrets, None where it holds none."""
        # Cut at any place, a character of two units becomes one again.
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        texts = [decoder.decode(part) async for part in in_turns(_steps(body, STEP_BYTES))]
        text = "".join([*texts, decoder.decode(b"", final=True)])
        found = self._pieces(text, self._pattern(), [needle.decode() for needle in self._needles], self._replaced)
        cleaned = [piece async for piece in in_turns(found)]
        return None if "".join(cleaned) == text else b"".join([piece.encode(encoding, "replace") for piece in cleaned])

    def _pieces(
        self, whole: AnyStr, pattern: AnyStr, needles: Sequence[AnyStr], replaced: Callable[[re.Match[AnyStr]], AnyStr]
    ) -> Iterator[AnyStr]:
        """Yield `whole` without the secrets, about STEP_BYTES at a time: what `re.sub` makes of it at once."""
        spellings = re.compile(pattern)
        reach = max(map(reach_of, (*self._secrets, *self._encoded)))
        at = 0
        while at < len(whole):
            # What begins within a step ends within reach of it.
            part, step = whole[at : at + STEP_BYTES + reach], STEP_BYTES
            if not any(needle in part for needle in needles):
                yield part[:STEP_BYTES]
                at += STEP_BYTES
                continue
            done = 0
            for match in spellings.finditer(part):
                if match.start() >= STEP_BYTES:
                    break
                yield part[done : match.start()]
                yield replaced(match)
                done = match.end()
                step = max(step, done)
            yield part[done:step]
            at += step

    def _replaced(self, match: re.Match[str]) -> str:
        return self._mark(match.lastgroup)

    def _replaced_bytes(self, match: re.Match[bytes]) -> bytes:
        return self._mark(match.lastgroup).encode()

    def _mark(self, group: str | None) -> str:
        """Return what stands in place of a secret; of one within base64 (a named group), so that what is around it still decodes."""
        self.is_used = True
        return REDACTED if group is None else _IN_BASE64 * (len(self._encoded[int(group[1:])]) // len(_IN_BASE64))

    def text(self, text: str) -> str:
        """Return a header's value, an address or a sentence without the secrets."""
        if not self.holds(text.encode(errors="replace")):
            return text
        return re.sub(self._pattern(), self._replaced, text)

    def json(self, value: Json) -> Json:
        """Return a value that was decoded already, without the secrets in its texts and names."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name) if isinstance(name, str) else name: self.json(each) for name, each in value.items()}
        return [self.json(each) for each in value] if isinstance(value, list | tuple) else value

    def failure(self, failure: Failure) -> Failure:
        """Return a failure whose words hold no secret."""
        hint = None if failure.hint is None else self.text(failure.hint)
        return replace(failure, message=self.text(failure.message), hint=hint, upstream=self.json(failure.upstream))

    def noted(self, outcome: Outcome) -> Outcome:
        """Return `outcome` with a note where something was taken out of it."""
        return replace(outcome, note=f"{outcome.note}; {NOTE}" if outcome.note else NOTE) if self.is_used else outcome

    def _pattern(self) -> str:
        """Return a pattern of every spelling of every secret, the longest first: one may begin another."""
        secrets = sorted(dict.fromkeys(self._secrets), key=len, reverse=True)
        self._encoded = [each for secret in secrets for each in in_base64(secret)]
        encoded = [f"(?P<b{place}>{spelt_in_base64(each)})" for place, each in enumerate(self._encoded)]
        return "|".join([*map(spelt, secrets), *encoded])


def _secrets_of(credential: Credential) -> Sequence[str]:
    """Return what proves us: the secret (each, where it is a JSON object of several), the pair of Basic, the session token."""
    secret = credential.secret
    if credential.kind == "bearer" and secret[:1] != "{":
        return (secret,)
    secrets = [secret, credential.session_token]
    if credential.kind == "basic":
        secrets.append(pair_of(credential.username, secret))
    if secret.startswith("{"):
        try:
            several = orjson.loads(secret)
        except orjson.JSONDecodeError:
            several = None
        if isinstance(several, dict):
            secrets += [each for each in several.values() if isinstance(each, str)]
    return secrets


def pair_of(user: str, password: str) -> str:
    """Return the credentials of Basic (RFC 7617 §2), without the padding that not everybody repeats."""
    return b2a_base64(f"{user}:{password}".encode(errors="replace"), newline=False).decode().rstrip("=")


async def _is_any_in(needles: Sequence[bytes], body: bytes, *, is_wide: bool = False) -> bool:
    """Say whether `body` holds one of `needles`; `is_wide`: with zeros between its letters."""
    overlap = max(map(len, needles)) * (_MAX_BYTES_OF_CHARACTER if is_wide else 1)
    async for part in in_turns(_steps(body, _SEARCH_BYTES, overlap)):
        narrow = part.translate(None, b"\0") if is_wide else part
        if any(needle in narrow for needle in needles):
            return True
    return False


def _steps(body: bytes, step: int, overlap: int = 0) -> Iterator[bytes]:
    for at in range(0, len(body), step):
        yield body[at : at + step + overlap]
