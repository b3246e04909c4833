"""What a caller is told when an operation did not run."""

import pytest

from oauth.connections.credentials import Credential
from tests.tools.stand_ins import operation
from tools.call_failures import unauthorized


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        (
            Credential("api_key", "k", alias="mine"),
            ("of the account 'mine'", "connections.connect with provider 'bakery' and account 'mine'"),
        ),
        (Credential("api_key", "k", alias="our key", is_shared=True), ("everybody here shares it", "add-key bakery --alias 'our key'")),
        (
            Credential("bearer", "t", alias="mine", is_renewable=False),
            ("does not accept the credential of the account 'mine'; run connections.connect with provider 'bakery'",),
        ),
        (Credential("bearer", "t", alias="mine"), ("is renewed now", "connections.connect with provider 'bakery' and account 'mine'")),
        (None, ("the call carried none", "connections.connect with provider 'bakery'")),
    ],
    ids=["own key", "shared key", "token that nothing renews", "own token", "none"],
)
def test_a_refused_credential_has_a_way_out(credential: Credential | None, words: tuple[str, ...]) -> None:
    """Whose account it is decides who mends it: its person by a link, an operator by a command."""
    said = unauthorized(operation("bakery.bread.get", connection="bakery"), credential)
    assert [word for word in words if word not in said] == []


def test_a_call_that_needs_no_account_is_not_sent_to_connect_one() -> None:
    """Connecting would not help: the operation would not use the account."""
    assert "declares none for 'bakery.bread.get'" in unauthorized(operation("bakery.bread.get"), None)
