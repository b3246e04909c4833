"""What a security event may hold."""

from oauth.audit import MAX_FACT_CHARS, SecurityEvent


def test_a_fact_of_any_length_is_cut_where_the_event_is_made() -> None:
    """A callback that nobody is signed in for brought 40 KB of text, kept for 400 days."""
    event = SecurityEvent("sign_in_failed", 1.0, facts={"reason": "é" * 40_000, "address": "192.0.2.1"})
    assert len(event.facts["reason"]) == MAX_FACT_CHARS
    assert event.facts["reason"].endswith("…")
    assert event.facts["address"] == "192.0.2.1"


def test_names_that_a_request_brings_are_cut_to_what_their_columns_hold() -> None:
    event = SecurityEvent("client_authentication_failed", 1.0, "t" * 1_000, "s" * 1_000, "c" * 40_000, "g" * 1_000)
    assert (len(event.tenant_id), len(event.subject), len(event.client_id), len(event.grant_id)) == (64, 128, 512, 64)
