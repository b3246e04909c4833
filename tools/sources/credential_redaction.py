"""The one redaction: what an upstream sends back of an account's secrets reaches nobody, in whatever spelling it comes.

A runner asks for it once for each answer, before anything else sees that answer: bodies as bytes, before they are decoded, and headers
and addresses. Whoever holds a secret may still disguise it; what is found is what honest encoders make of a repeated request.
"""

import codecs
import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import AnyStr

import orjson

from oauth.connections.credentials import Credential
from tools.operation import REDACTED, Failure, Json, Outcome
from tools.turns import in_turns

NOTE = "the upstream repeated the account's credential in its answer; it reads *** here"
#: shorter ones are no secrets, and would be found everywhere
MIN_SECRET_CHARS = 8
#: what is searched by a pattern before others have a turn; what is shorter is done at once
STEP_BYTES = 64 * 1024
#: of which a plain search takes as long
_SEARCH_BYTES = 2 << 20
#: the longest that `_spellings` lets one character become: four bytes, percent-encoded several times
_MAX_SPELLING = 48
_PLAIN_RUN = re.compile(r"[A-Za-z0-9]+")
_LONG_RUN = re.compile(r"[A-Za-z0-9]{8,}")
_UTF16 = ("utf-16-le", "utf-16-be")
_HTML = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


class Redaction:
    """Takes the secrets of some credentials out of what came back.

    Encoders for URLs, JSON and HTML leave letters and digits as they are, so an answer without the longest run of those in a secret
    does not hold it in any spelling: one search at the speed of C for each secret, and nothing more for nearly every answer.
    """

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._secrets: list[str] = []
        self._needles: list[bytes] = []
        #: set once something was taken out
        self.is_used = False
        for credential in credentials:
            for secret in _secrets_of(credential):
                self.add(secret)

    def add(self, secret: str) -> None:
        """Take out `secret`, too: what was made of a credential for a request, as a signature or the pair of Basic."""
        if len(secret) >= MIN_SECRET_CHARS:
            self._secrets.append(secret)
            self._needles.append(_needle(secret))

    def holds(self, body: bytes) -> bool:
        """Say whether text in UTF-8 may hold a secret; nearly always it does not."""
        # On the way of every call: a generator would take longer than the search.
        return next(filter(body.__contains__, self._needles), None) is not None

    def body(self, body: bytes) -> bytes:
        """Return bytes without the secrets, whatever they are the text of."""
        if b"\0" in body[:8]:
            for encoding in _UTF16:
                # One byte further on, the text of one byte order looks like that of the other.
                if any(needle.decode().encode(encoding) in body for needle in self._needles):
                    wide = body.decode(encoding, "replace")
                    if (cleaned_text := self.text(wide)) != wide:
                        return cleaned_text.encode(encoding, "replace")
        if not self.holds(body):
            return body
        cleaned, count = re.subn(self._pattern().encode(), REDACTED.encode(), body)
        self.is_used = self.is_used or count > 0
        return cleaned if count else body

    async def body_in_turns(self, body: bytes) -> bytes:
        """Return what `body` returns; of what is long a part at a time, so that nobody else waits for the whole."""
        if len(body) <= STEP_BYTES or not self._needles:
            return self.body(body)
        if b"\0" in body[:8]:
            for encoding in _UTF16:
                if await _is_any_in([needle.decode().encode(encoding) for needle in self._needles], body):
                    cleaned = await self._wide(body, encoding)
                    if cleaned is not None:
                        return cleaned
        if not await _is_any_in(self._needles, body):
            return body
        pieces = [piece async for piece in in_turns(self._pieces(body, self._pattern().encode(), self._needles, REDACTED.encode()))]
        return b"".join(pieces)

    async def _wide(self, body: bytes, encoding: str) -> bytes | None:
        """Return text in UTF-16 without the secrets, None where it holds none."""
        # Cut at any place, a character of two units becomes one again.
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        texts = [decoder.decode(part) async for part in in_turns(_steps(body, STEP_BYTES))]
        text = "".join([*texts, decoder.decode(b"", final=True)])
        found = self._pieces(text, self._pattern(), [needle.decode() for needle in self._needles], REDACTED)
        cleaned = [piece.encode(encoding, "replace") async for piece in in_turns(found)]
        return None if (whole := b"".join(cleaned)) == body else whole

    def _pieces(self, whole: AnyStr, pattern: AnyStr, needles: Sequence[AnyStr], redacted: AnyStr) -> Iterator[AnyStr]:
        """Yield `whole` without the secrets, about STEP_BYTES at a time: what `re.sub` makes of it at once."""
        spellings = re.compile(pattern)
        reach = max(map(_reach, self._secrets))
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
                self.is_used = True
                yield part[done : match.start()]
                yield redacted
                done = match.end()
                step = max(step, done)
            yield part[done:step]
            at += step

    def text(self, text: str) -> str:
        """Return a header's value, an address or a sentence without the secrets."""
        if not self.holds(text.encode(errors="replace")):
            return text
        cleaned, count = re.subn(self._pattern(), REDACTED, text)
        self.is_used = self.is_used or count > 0
        return cleaned

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
        return "|".join("".join(map(_spellings, secret)) for secret in secrets)


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


def _needle(secret: str) -> bytes:
    """Return a part of `secret` that every spelling of it has, long enough to be rare where there is such."""
    found = _LONG_RUN.search(secret)
    return (found[0] if found else max(_PLAIN_RUN.findall(secret), key=len, default="")).encode()


def _spellings(character: str) -> str:
    """Return a pattern of the ways in which URLs, JSON and HTML write one character."""
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    code = ord(character)
    # Bounds, so that no text takes longer than it is long: one of backslashes alone, before a secret that begins with a sign.
    percent = "".join(rf"%(?:25){{0,4}}(?i:{byte:02x})" for byte in character.encode(errors="replace"))
    units = character.encode("utf-16-be", "replace")
    escaped = "".join(rf"\\{{1,8}}u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    spelt = [percent, escaped, rf"&#(?:{code}|[xX]0{{0,8}}(?i:{code:x}));"]
    spelt += [rf"&{_HTML[character]};"] if character in _HTML else []
    spelt += [r"\+"] if character == " " else []
    # What begins like the character itself is longer, so it is tried first.
    spelt.append(rf"\\{{0,8}}{plain}")
    return f"(?:{'|'.join(spelt)})"


def _reach(secret: str) -> int:
    """Return how long the longest spelling of a secret is."""
    return sum(1 if character.isascii() and character.isalnum() else _MAX_SPELLING for character in secret)


async def _is_any_in(needles: Sequence[bytes], body: bytes) -> bool:
    """Say whether `body` holds one of `needles`."""
    async for part in in_turns(_steps(body, _SEARCH_BYTES, max(map(len, needles)))):
        if any(needle in part for needle in needles):
            return True
    return False


def _steps(body: bytes, step: int, overlap: int = 0) -> Iterator[bytes]:
    for at in range(0, len(body), step):
        yield body[at : at + step + overlap]
