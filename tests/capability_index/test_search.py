"""What a search finds, and for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from capability_index.ranking.confidence import low_of
from capability_index.ranking.verbs import removes
from capability_index.search import Visible
from tests.examples import examples

ALL = Visible(("*",))


def slugs(index: CapabilityIndex, intent: str | list[str], visible: Visible = ALL, k: int = 10) -> list[str]:
    return [hit.slug for hit in index.search(intent, visible, k).hits]


@pytest.mark.parametrize(
    ("intent", "first"),
    [
        ("will it rain in Oslo tomorrow?", "weather.forecast"),
        ("cancel a purchase", "shop.orders.delete"),
        ("look up somebody's address book entry", "crm.contacts.search"),
        ("schedule an appointment with Ada", "calendar.create"),
        ("listOrders", "shop.orders.list"),
    ],
)
def test_the_operation_that_is_meant_comes_first(index: CapabilityIndex, intent: str, first: str) -> None:
    """issue 4: "cancel purchase" meets delete_order."""
    assert slugs(index, intent)[0] == first


def test_a_tenant_never_finds_what_another_tenant_has(table: WordTable, catalogue: list[Document]) -> None:
    """issue 4: visibility before ranking."""
    index = CapabilityIndex(table)
    index.upsert("a", catalogue[:1])
    index.upsert("b", catalogue[1:])
    assert slugs(index, "create a deal", Visible(("a",))) == ["crm.contacts.search"]
    assert slugs(index, "create a deal", Visible(("c",))) == []


def test_another_tenants_catalogue_does_not_move_a_score(table: WordTable, catalogue: list[Document]) -> None:
    """issue 4: statistics never leak another tenant's catalogue."""
    index = CapabilityIndex(table)
    index.upsert("a", catalogue)
    before = index.search("send an email to Ada", Visible(("a",)))
    index.upsert("b", [Document(f"mail{at}", "Send email", "Send an email to Ada.") for at in range(50)])
    assert index.search("send an email to Ada", Visible(("a",))) == before


def test_what_is_not_permitted_takes_no_place(index: CapabilityIndex) -> None:
    """issue 4: scopes are applied before top-k."""
    visible = Visible(("*",), lambda slug: slug.startswith("shop."))
    assert sorted(slugs(index, "send an email", visible, k=2)) == ["shop.orders.delete", "shop.orders.list"]


def test_the_rare_permitted_one_is_found_among_many(table: WordTable) -> None:
    """Filtering goes on down the ranking until enough rows are permitted."""
    index = CapabilityIndex(table)
    index.upsert("*", [Document(f"op{at}", "Send email", f"Send an email, way {at}.") for at in range(3_000)])
    assert slugs(index, "send an email", Visible(("*",), lambda slug: slug == "op1234"), k=5) == ["op1234"]


def test_a_real_intent_always_has_hits(index: CapabilityIndex) -> None:
    """issue 4: zero-hit rate 0 %."""
    assert len(slugs(index, "xylophone maintenance")) == 10


@pytest.mark.parametrize("nonsense", ["asdf qwer zxcv hjkl", "Der Hund schläft unter dem Apfelbaum", "猫在窗台上睡了一整天", "", "!!!"])
def test_nonsense_is_called_out(index: CapabilityIndex, table: WordTable, nonsense: str) -> None:
    """design/three-tools.md: nonsense gets low_confidence, not the nearest neighbour at 1.0."""
    found = index.search(nonsense, ALL)
    assert found.low_confidence
    assert all(hit.score < low_of(table) for hit in found.hits)


def test_what_fits_is_not_called_out(index: CapabilityIndex, table: WordTable) -> None:
    """design/three-tools.md: the score is absolute in 0-1."""
    found = index.search("send an email to the people in the meeting", ALL)
    assert not found.low_confidence
    assert low_of(table) <= found.hits[0].score <= 1


def test_each_sub_task_has_its_operation(index: CapabilityIndex) -> None:
    """design/three-tools.md: up to 5 strings, one per sub-task."""
    found = slugs(index, ["weather forecast for Oslo", "send an email"], k=2)
    assert sorted(found) == ["mail.send", "weather.forecast"]


def test_one_sentence_with_two_wishes_finds_both(index: CapabilityIndex) -> None:
    """issue 4: clause-wise matching for multi-intent queries."""
    assert set(slugs(index, "Get the weather forecast for the city, then send an email to my team", k=3)) >= {
        "weather.forecast",
        "mail.send",
    }


def test_a_hit_says_why_on_request(index: CapabilityIndex) -> None:
    """issue 4: a reason per hit on request."""
    assert index.search("delete order", ALL, 1).hits[0].reasons == ()
    reasons = index.search("delete order", ALL, 1, explain=True).hits[0].reasons
    assert any("delete" in reason and "order" in reason for reason in reasons)


def test_chinese_finds_chinese(table: WordTable) -> None:
    """facts/retrieval.md: BM25 with CJK bigrams carries what the table cannot read."""
    index = CapabilityIndex(table)
    index.upsert(
        "*",
        [
            Document("a", "查询订单", "按客户查询订单列表"),
            Document("b", "发送邮件", "向收件人发送电子邮件"),
            Document("c", "天气", "天气预报"),
        ],
    )
    assert slugs(index, "给客户发送邮件")[0] == "b"


def test_without_the_table_words_still_find_and_the_answer_says_so(catalogue: list[Document]) -> None:
    """issue 4: a failing encoder degrades to BM25F with a visible warning, never to an error."""
    index = CapabilityIndex(None, ["the word table is missing"])
    index.upsert("*", catalogue)
    found = index.search("weather forecast", ALL)
    assert found.hits[0].slug == "weather.forecast"
    assert found.warnings == ("the word table is missing",)


def test_equal_documents_keep_one_order(table: WordTable) -> None:
    """issue 4: deterministic order."""
    index = CapabilityIndex(table)
    index.upsert("*", [Document(f"twin{at:02}", "Send email", "Send an email.") for at in range(40)])
    first = slugs(index, "send an email", k=20)
    assert first == [f"twin{at:02}" for at in range(20)]
    assert all(slugs(index, "send an email", k=20) == first for _ in range(3))


def test_scores_fall_down_the_list(index: CapabilityIndex) -> None:
    """A reader takes the first for the best."""
    scores = [hit.score for hit in index.search("find an email from Ada", ALL).hits]
    assert scores == sorted(scores, reverse=True)


@examples(40)
@given(intent=st.text(max_size=120), k=st.integers(-1, 30))
def test_any_intent_is_answered(index_of_all: CapabilityIndex, intent: str, k: int) -> None:
    """Bad input is normal input."""
    found = index_of_all.search(intent, ALL, k)
    assert len(found.hits) == max(0, min(k, 10))
    assert all(0 <= hit.score <= 1 for hit in found.hits)


def test_half_a_surrogate_pair_is_no_error(index: CapabilityIndex) -> None:
    """JSON can bring in what is not Unicode text."""
    index.upsert("*", [Document("odd", "Odd \ud800 name", "Half a pair \udc00 in words.")])
    assert slugs(index, "half a pair \ud83d in words", k=1) == ["odd"]


@pytest.fixture(scope="module")
def index_of_all(table: WordTable, catalogue: list[Document]) -> CapabilityIndex:
    filled = CapabilityIndex(table)
    filled.upsert("*", catalogue)
    return filled


@pytest.mark.parametrize(
    ("slug", "does"),
    [
        ("notes.delete", True),
        ("deleteNote", True),
        ("note_remove", True),
        ("crm.notes.erase_all", True),
        ("deleted.list", False),
        ("x", False),
    ],
)
def test_a_name_says_whether_an_operation_removes(slug: str, does: bool) -> None:
    """The first or the last word of its last part."""
    assert removes(slug) is does


def test_what_removes_comes_after_what_makes(table: WordTable) -> None:
    """Between two that fit alike, the verb that was said decides; asked for, removing loses nothing."""
    index = CapabilityIndex(table)
    index.upsert("*", [Document(slug, "Note", "A note of a deal.", provider="crm") for slug in ("notes.delete", "notes.put")])
    assert slugs(index, "add a note to a deal")[0] == "notes.put"
    assert slugs(index, "note of a deal")[0] == "notes.delete"
    assert slugs(index, "delete a note, add none")[0] == "notes.delete"


def test_an_operation_that_was_named_is_found_whatever_its_verb(index: CapabilityIndex) -> None:
    """The term is small: it parts equals, and hides nothing."""
    assert slugs(index, "find deleteOrder")[0] == "shop.orders.delete"
    assert slugs(index, "get an order taken back for good")[0] == "shop.orders.delete"
    assert slugs(index, "make this deal go away")[0] == "crm.deals.delete"
