"""A yes that counts once must be one text: what reads the same but is written otherwise is no yes."""

import pytest

from oauth.principal import Principal
from tools.dispatch.confirmations import Confirmations, counts_once

ADA = Principal("acme", "ada", "client", frozenset(), "token", "local")
NOW = 1_800_000_000.0


def confirmations() -> Confirmations:
    return Confirmations(b"k" * 32, lambda: NOW)


def test_a_token_is_accepted_as_it_was_given() -> None:
    """three-tools.md, needs_confirmation."""
    token = confirmations().issue(ADA, "crm.contacts.delete", None, {"id": 1}).token
    assert counts_once(token)
    assert confirmations().accepts(token, ADA, "crm.contacts.delete", None, {"id": 1})


@pytest.mark.parametrize(
    "spelling", ["zero", "hexadecimal", "upper case", "sign", "blank", "no letter", "padding", "end", "none", "half", "other kind"]
)
def test_another_spelling_of_a_token_is_none(spelling: str) -> None:
    """Used tokens are known by their text (Idempotency.confirmed): a second spelling would run a second time."""
    token = confirmations().issue(ADA, "crm.contacts.delete", None, {"id": 1}).token
    kind, expiry, nonce, mac = token.split("_", 3)
    other = {
        "zero": f"{kind}_0{expiry}_{nonce}_{mac}",
        "hexadecimal": f"{kind}_0x{expiry}_{nonce}_{mac}",
        "upper case": f"{kind}_{expiry.upper()}_{nonce}_{mac}",
        "sign": f"{kind}_+{expiry}_{nonce}_{mac}",
        "blank": f"{kind}_ {expiry}_{nonce}_{mac}",
        "no letter": f"{kind}_{expiry}_{nonce}_{mac[:4]}!{mac[4:]}",
        "padding": f"{token}==",
        "end": f"{token}\n",
        "none": "",
        "half": f"{token[:-1]}\ud800",
        "other kind": f"p_{expiry}_{nonce}_{mac}",
    }[spelling]
    assert other != token
    assert not confirmations().accepts(other, ADA, "crm.contacts.delete", None, {"id": 1})
