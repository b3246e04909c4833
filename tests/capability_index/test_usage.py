"""Learning from use."""

import pytest

from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from capability_index.ranking.asked import asked_of
from capability_index.ranking.search_feedback import EXPIRES_AFTER_S, MAX_EXAMPLES, MAX_TENANT_EXAMPLES, Example, UsageMemory, scrubbed
from capability_index.search import Visible

MINE, THEIRS = Visible(("mine", "*")), Visible(("theirs", "*"))
ASKED = "who bought the blue jacket last week"


def first(index: CapabilityIndex, visible: Visible, intent: str = ASKED) -> str:
    return index.search(intent, visible, 1).hits[0].slug


def test_what_was_called_for_an_intent_comes_first_next_time(index: CapabilityIndex) -> None:
    """issue 4: what was asked and which operation then succeeded."""
    assert first(index, MINE) != "mail.search"
    assert index.learn("mine", ASKED, "mail.search")
    assert first(index, MINE) == "mail.search"
    assert "used before for a like intent" in index.search(ASKED, MINE, 1, explain=True).hits[0].reasons


def test_one_tenant_teaches_no_other(index: CapabilityIndex) -> None:
    """issue 4: never across tenants."""
    before = index.search(ASKED, THEIRS)
    index.learn("mine", ASKED, "mail.search")
    assert index.search(ASKED, THEIRS) == before


def test_learning_shows_nothing_that_is_not_permitted(index: CapabilityIndex) -> None:
    """issue 4: visibility before ranking."""
    index.learn("mine", ASKED, "mail.search")
    found = index.search(ASKED, Visible(("mine", "*"), lambda slug: not slug.startswith("mail.")))
    assert "mail.search" not in [hit.slug for hit in found.hits]


def test_an_unlike_intent_is_not_touched(index: CapabilityIndex) -> None:
    """issue 4: a bounded bonus."""
    before = index.search("weather forecast for Oslo", MINE)
    index.learn("mine", ASKED, "mail.search")
    assert index.search("weather forecast for Oslo", MINE) == before


def test_it_can_be_switched_off(table: WordTable, index: CapabilityIndex) -> None:
    """issue 4: can be switched off."""
    silent = CapabilityIndex(table, learning=False)
    silent.adopt(index.segments())
    assert not silent.learn("mine", ASKED, "mail.search")
    assert silent.usage.examples() == {}


def test_an_unknown_operation_teaches_nothing(index: CapabilityIndex) -> None:
    """A call by a made-up name is not an example."""
    assert not index.learn("mine", ASKED, "no.such.operation")


def test_examples_expire_are_few_and_are_not_doubled(table: WordTable) -> None:
    """issue 4: at most 10 examples an operation, deduplicated, expiring."""
    now = [1_000.0]
    memory = UsageMemory(table, lambda: now[0])
    for _ in range(3):
        memory.learn("t", "find the invoices of a customer", "a")
    assert len(memory.examples()["t"]) == 1
    animals = ["otter", "heron", "badger", "falcon", "lizard", "walrus", "beetle", "donkey", "salmon", "turtle", "parrot", "monkey"]
    for animal in animals:
        now[0] += 1
        memory.learn("t", f"{animal} {animal} pictures", "a")
    kept = memory.examples()["t"]
    assert len(kept) == MAX_EXAMPLES
    assert kept[-1].intent == "monkey monkey pictures"
    asked = "monkey pictures"
    vector = table.encode([asked])[0]
    assert 0 < memory.bonuses("t", vector, asked_of(asked))["a"].worth <= 5
    now[0] += EXPIRES_AFTER_S + 1
    assert memory.bonuses("t", vector, asked_of(asked)) == {}
    assert memory.examples()["t"] == ()


@pytest.mark.parametrize(
    ("intent", "left"),
    [
        ("mail ada@example.com about it", "mail about it"),
        ("open https://x.test/a?token=1 now", "open now"),
        ("order 4711-22 of +49 170 1234567", "order of"),
        ('find "Ada Lovelace" in the CRM', "find in the CRM"),
        ("use sk_live_abcdefghijklmnopqrstuvwxyz please", "use please"),
    ],
)
def test_what_may_name_a_person_or_open_a_door_is_not_kept(intent: str, left: str) -> None:
    """issue 4: scrubbed."""
    assert scrubbed(intent) == left


def test_what_was_kept_can_be_taken_over(table: WordTable) -> None:
    """The server stores examples and gives them back after a restart."""
    memory = UsageMemory(table, lambda: 1_000.0)
    memory.learn("t", "find the invoices of a customer", "a")
    other = UsageMemory(table, lambda: 1_000.0)
    other.adopt(memory.examples())
    asked = "find invoices of a customer"
    vector = table.encode([asked])[0]
    assert other.bonuses("t", vector, asked_of(asked)) == memory.bonuses("t", vector, asked_of(asked)) != {}
    other.forget("t", ["a"])
    assert other.bonuses("t", vector, asked_of(asked)) == {}


def test_a_tenant_cannot_fill_the_memory(table: WordTable) -> None:
    """Bounded for the tenant as a whole too."""
    memory = UsageMemory(table, lambda: 0.0)
    memory.adopt({"t": [Example(f"op{at}", "do it", 0.0) for at in range(MAX_TENANT_EXAMPLES + 5)]})
    memory.learn("t", "something else altogether", "new")
    assert len(memory.examples()["t"]) == MAX_TENANT_EXAMPLES


def test_what_was_called_to_make_a_thing_is_not_found_for_stopping_it(table: WordTable) -> None:
    """issue 12: no other intent loses by what was learned."""
    memory = UsageMemory(table, lambda: 1_000.0)
    memory.learn("t", "create a fine-tuning job", "jobs.create")
    memory.learn("t", "start a new fine-tuning job", "jobs.create")
    stop, again = "stop a fine-tuning job", "make a fine-tuning job"
    assert memory.bonuses("t", table.encode_request(stop), asked_of(stop)) == {}
    assert memory.bonuses("t", table.encode_request(again), asked_of(again))["jobs.create"].worth > 1


def test_an_example_of_many_or_of_something_in_it_says_little_of_one_thing(table: WordTable) -> None:
    """issue 12: no other intent loses by what was learned."""
    memory = UsageMemory(table, lambda: 1_000.0)
    memory.learn("t", "list pods", "pods.list")
    memory.learn("t", "show pods", "pods.list")
    one, many = "show a pod", "show me pods"
    assert memory.bonuses("t", table.encode_request(one), asked_of(one)) == {}
    assert "pods.list" in memory.bonuses("t", table.encode_request(many), asked_of(many))
    memory.learn("t", "attach a file to the vector store", "files.create")
    memory.learn("t", "add file vector store", "files.create")
    plain, same = "add a vector store", "put a file into the vector store"
    found = memory.bonuses("t", table.encode_request(plain), asked_of(plain)).get("files.create")
    again = memory.bonuses("t", table.encode_request(same), asked_of(same))["files.create"]
    assert again.worth > 1
    assert found is None or found.worth < again.worth


def test_one_near_example_counts_less_than_two_that_agree(table: WordTable) -> None:
    memory, text = UsageMemory(table, lambda: 1_000.0), "list the members of the guild"
    vector, asked = table.encode_request(text), asked_of(text)
    memory.learn("t", "who are the guild members", "members.list")
    alone = memory.bonuses("t", vector, asked)["members.list"].worth if memory.bonuses("t", vector, asked) else 0.0
    memory.learn("t", "all guild members please", "members.list")
    assert memory.bonuses("t", vector, asked)["members.list"].worth > alone
