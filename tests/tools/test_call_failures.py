"""What a person is asked before an operation runs, and what a caller is told when one did not."""

from dataclasses import replace

import pytest

from oauth.connections.credentials import Credential
from tests.tools.plans.plans import batches
from tests.tools.stand_ins import gateway, operation
from tools.call_failures import unauthorized

DELETE = operation("crm.contacts.delete", "destructive", summary="Delete a contact.")
DISCONNECT = replace(
    operation("crm.accounts.drop", "destructive", summary="Forget an account."), binding={"afterwards": "It can be connected again"}
)


async def test_the_question_is_one_sentence_and_says_what_cannot_be_undone() -> None:
    """three-tools.md, needs_confirmation: the person reads what will happen, with which values."""
    house = await gateway([DELETE])
    asked = (await house.call("call_api", {"api": DELETE.id, "args": {"id": 1}})).confirmation
    assert asked is not None
    assert asked.message == "Delete a contact (crm.contacts.delete) with id: 1? It cannot be undone"


async def test_an_operation_that_can_be_taken_back_says_so_itself() -> None:
    """What `/connections` says of disconnecting, the question says too."""
    house = await gateway([DISCONNECT])
    asked = (await house.call("call_api", {"api": DISCONNECT.id})).confirmation
    assert asked is not None
    assert asked.message == "Forget an account (crm.accounts.drop) with no arguments? It can be connected again"


@pytest.mark.parametrize(
    ("apis", "message"),
    [
        ((DELETE.id,), "s0 (crm.contacts.delete): run exactly this plan? It cannot be undone"),
        ((DISCONNECT.id,), "s0 (crm.accounts.drop): run exactly this plan? It can be connected again"),
        (
            (DISCONNECT.id, DELETE.id),
            "s0 (crm.accounts.drop), s1 (crm.contacts.delete): run exactly this plan? Not all of it can be undone",
        ),
    ],
)
async def test_the_question_about_a_plan_says_whether_it_can_be_undone(apis: tuple[str, ...], message: str) -> None:
    """three-tools.md, batch_execute: one question for all that is destructive."""
    house = await batches([DELETE, DISCONNECT])
    asked = await house.run(*({"id": f"s{number}", "api": api} for number, api in enumerate(apis)))
    assert asked["confirmation"]["message"] == message


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
