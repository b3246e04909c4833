"""What a client or its person is told in few words, the operator finds with its reason: in the log and in the audit."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.audit import MAX_REASON_CHARS, SecurityEvent, reason_of
from oauth.tokens.formats import hash_token
from tests.oauth.behaviour.test_documents import URL, ask, document, publish, refused
from tests.oauth.behaviour.test_refresh import family
from tests.oauth.gateway import OAuthGateway


async def events(gate: OAuthGateway, action: str) -> list[SecurityEvent]:
    return [event for event in await gate.audit.recent("") if event.action == action]


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[Mapping[str, Any]]:
    return [vars(record)["facts"] for record in caplog.records if record.getMessage() == name]


@given(st.text(max_size=2_000))
def test_a_reason_is_one_line_of_visible_characters(text: str) -> None:
    """A stranger writes some of them; a terminal shows them."""
    said = reason_of(text)
    assert len(said) <= MAX_REASON_CHARS
    assert said.isprintable()


async def test_a_client_document_that_is_refused_is_told_once_with_its_reason(gate: OAuthGateway, caplog: pytest.LogCaptureFixture) -> None:
    """The client hears only that it is unknown, so nobody else could say why; it tries again and again."""
    publish(gate, document(client_id="https://other.example/metadata.json"))
    for _ in range(3):
        assert refused(await ask(gate))
    expected = "the document's client_id is not its URL"
    assert [facts["reason"] for facts in lines(caplog, "client_refused")] == [expected]
    [event] = await events(gate, "client_refused")
    assert (event.client_id, event.facts["reason"]) == (URL, expected)
    publish(gate, status=404)
    assert refused(await ask(gate))
    newest, _former = await events(gate, "client_refused")
    assert newest.facts["reason"] == "the document answered 404, not 200"


async def test_a_registration_that_is_refused_is_in_the_audit(gate: OAuthGateway) -> None:
    response = await gate.request("POST", "/register", json={"redirect_uris": ["http://evil.example/\u202ecb"]})
    assert response.status_code == 400
    [event] = await events(gate, "client_refused")
    assert "redirect" in event.facts["reason"]
    assert event.facts["reason"].isprintable()
    assert event.facts["from"]


async def test_the_log_says_why_a_refresh_was_refused(gate: OAuthGateway, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is the same for all reasons, so that nobody learns of tokens that are not theirs."""
    caplog.set_level(logging.INFO)
    client_id, tokens = await family(gate)
    grant = await gate.grants.grant_of_refresh_token(hash_token(tokens["refresh_token"]))
    assert grant is not None
    answers = [(await gate.refresh(client_id, "asc_rt_" + "x" * 43)).text]
    await gate.server.revocation.revoke_grant(grant, "test")
    answers.append((await gate.refresh(client_id, tokens["refresh_token"])).text)
    assert answers[0] == answers[1]
    assert [facts["debug"] for facts in lines(caplog, "oauth_refused")] == [
        "no such refresh token, or its grant is gone",
        "the grant was revoked",
    ]
