"""A long answer is searched for secrets a part at a time, and reads as if it had been searched at once."""

import asyncio
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.connections.credentials import Credential
from tests.examples import examples
from tools import turns
from tools.sources import credential_redaction
from tools.sources.credential_redaction import Redaction

SECRET = '!/sk_live/9f+8A7b"6=Zq&t'
SPELT = [SECRET, quote(SECRET, safe=""), quote(quote(SECRET, safe=""), safe=""), SECRET.replace("/", "\\/"), SECRET.replace("&", "\\u0026")]
PARTS = st.sampled_from([*SPELT, SECRET[:-1], "live", "\\\\", "x" * 90, "é", "😀"])


def redaction(*secrets: str) -> Redaction:
    return Redaction(Credential("bearer", secret, account_id="1", alias="work") for secret in secrets or (SECRET,))


@given(parts=st.lists(PARTS, max_size=40), step=st.integers(1, 200), encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]))
@examples(200)
def test_parts_put_together_are_what_is_found_at_once(parts: list[str], step: int, encoding: str) -> None:
    """Wherever a secret lies across the parts, in whatever spelling."""
    body = "".join(["{}", *parts]).encode(encoding)
    at_once, in_parts = redaction(), redaction()
    wanted = at_once.body(body)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(credential_redaction, "STEP_BYTES", step)
        patched.setattr(credential_redaction, "_SEARCH_BYTES", step)
        assert asyncio.run(in_parts.body_in_turns(body)) == wanted
    assert in_parts.is_used == at_once.is_used


async def test_others_have_a_turn_while_a_long_body_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are parts, where each takes its time."""
    monkeypatch.setattr(turns, "TURN_S", 0.0)
    body = (SECRET + "x" * 1_000).encode() * 1_000
    searched = asyncio.create_task(redaction().body_in_turns(body))
    rounds = 0
    while not searched.done():
        await asyncio.sleep(0)
        rounds += 1
    assert rounds > len(body) // credential_redaction.STEP_BYTES
    assert searched.result() == ("***" + "x" * 1_000).encode() * 1_000


@pytest.mark.parametrize("filler", ["\\", "%25", "&#x0", "%2525", "\\u", "&#"])
async def test_what_a_spelling_may_begin_with_takes_no_longer_than_it_is_long(filler: str) -> None:
    """A megabyte of backslashes before a secret that begins with a sign: every place in it could begin the secret."""
    body = (filler * (1_000_000 // len(filler)) + SECRET).encode()
    async with asyncio.timeout(30):
        cleaned = await redaction().body_in_turns(body)
    assert cleaned.endswith(b"***")


async def test_a_spelling_is_never_longer_than_the_parts_overlap() -> None:
    """The longest spelling of every character is found across the border of two parts."""
    longest = "".join("".join(f"%25252525{byte:02x}" for byte in character.encode()) for character in "💶😀") + "sk_live_9f8A7b6Zqt"
    for before in range(credential_redaction.STEP_BYTES - len(longest) - 2, credential_redaction.STEP_BYTES + 2):
        body = ("x" * before + longest + "y" * 100_000).encode()
        assert await redaction("💶😀sk_live_9f8A7b6Zqt").body_in_turns(body) == ("x" * before + "***" + "y" * 100_000).encode()


@pytest.mark.parametrize(
    ("piece", "begins"),
    [("x" + SECRET[:6], 1), (SECRET[:-1], 0), ("x" + SECRET[:3], 4), (SECRET, len(SECRET)), ("", 0), ("x" + SECRET[1:], len(SECRET))],
)
def test_the_beginning_of_a_secret_at_the_end_of_a_piece_is_told(piece: str, begins: int) -> None:
    assert redaction().begins_at(piece.encode()) == begins
