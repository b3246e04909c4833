"""What a person is asked before an operation runs that cannot simply be taken back."""

from dataclasses import replace

import pytest

from tests.tools.plans.plans import batches
from tests.tools.stand_ins import gateway, operation
from tools.dispatch.questions import AT_ONCE, ENDED, GONE, PAID, afterwards

DELETE = replace(
    operation("crm.contacts.delete", "destructive", summary="Delete a contact."), binding={"method": "DELETE", "path": "/contacts/{id}"}
)
DISCONNECT = replace(
    operation("crm.accounts.drop", "destructive", summary="Forget an account."), binding={"afterwards": "It can be connected again"}
)


async def test_the_question_shows_method_path_values_and_the_words_of_the_document() -> None:
    """agent.md, F1: a DELETE was asked about as "Pin channels messages pins"."""
    house = await gateway([DELETE])
    asked = (await house.call("call_api", {"api": DELETE.id, "args": {"id": 1}})).confirmation
    assert asked is not None
    assert asked.message == "Delete a contact (crm.contacts.delete: DELETE /contacts/{id}) with id: 1? It cannot be undone"


async def test_an_operation_that_can_be_taken_back_says_so_itself() -> None:
    """What `/connections` says of disconnecting, the question says too."""
    house = await gateway([DISCONNECT])
    asked = (await house.call("call_api", {"api": DISCONNECT.id})).confirmation
    assert asked is not None
    assert asked.message == "Forget an account (crm.accounts.drop) with no arguments? It can be connected again"


async def test_secrets_are_not_shown_at_any_depth_and_values_are_bounded() -> None:
    """The question goes through the client, and into its log."""
    house = await gateway([DELETE])
    values = {"password": "p4ss", "body": {"name": "Ada", "user": {"api_key": "k3y"}}, "note": "n" * 5_000}
    values |= {f"more_{number}": "x" * 500 for number in range(40)}
    asked = (await house.call("call_api", {"api": DELETE.id, "args": values})).confirmation
    assert asked is not None
    assert "p4ss" not in asked.message
    assert "k3y" not in asked.message
    assert '"name":"Ada"' in asked.message
    assert "and 31 more" in asked.message
    assert len(asked.message) < 2_000


@pytest.mark.parametrize(
    ("apis", "message"),
    [
        (
            (DELETE.id,),
            "s0: Delete a contact (crm.contacts.delete: DELETE /contacts/{id}) with id: 7. Run exactly this plan? It cannot be undone",
        ),
        ((DISCONNECT.id,), "s0: Forget an account (crm.accounts.drop) with id: 7. Run exactly this plan? It can be connected again"),
        (
            (DISCONNECT.id, DELETE.id),
            "s0: Forget an account (crm.accounts.drop) with id: 7; s1: Delete a contact (crm.contacts.delete: DELETE /contacts/{id})"
            " with id: 7. Run exactly this plan? Not all of it can be undone",
        ),
    ],
)
async def test_the_question_about_a_plan_shows_each_step_with_its_values(apis: tuple[str, ...], message: str) -> None:
    """agent.md, F14: a batch's confirmation named the operation without the arguments."""
    house = await batches([DELETE, DISCONNECT])
    asked = await house.run(*({"id": f"s{number}", "api": api, "args": {"id": 7}} for number, api in enumerate(apis)))
    assert asked["confirmation"]["message"] == message


async def test_a_step_that_is_run_for_each_of_a_list_says_so() -> None:
    """One yes is for all of them."""
    house = await batches([DELETE])
    asked = await house.run({"id": "s", "api": DELETE.id, "args": {"id": {"$item": "@"}}, "for_each": [1, 2, 3]})
    assert 'with id: {"$item":"@"}, for each of 3. Run exactly' in asked["confirmation"]["message"]


@pytest.mark.parametrize(
    ("name", "summary", "words"),
    [
        ("x.contacts.delete", "Delete a contact", GONE),
        ("x.templates.update", "Deletes a template", GONE),
        ("x.bans.ban_user_from", "Ban user from guild", AT_ONCE),
        ("x.sites.disable", "Disables a site", AT_ONCE),
        ("x.messages.pins.delete", "Delete pin", AT_ONCE),
        ("rag_delete", "Delete a document", GONE),
        ("x.invoices.void", "Void an invoice", ENDED),
        ("x.tokens.invalidate", "Invalidate a token", ENDED),
        ("x.refunds.refund_payment", "Refunds a payment", PAID),
        ("x.payouts.create", "Create a payout", PAID),
    ],
)
def test_it_is_said_to_be_beyond_undoing_only_where_it_is(name: str, summary: str, words: str) -> None:
    """agent.md, F14: "It cannot be undone" for a ban."""
    assert afterwards(operation(name, "destructive", summary=summary)) == words
