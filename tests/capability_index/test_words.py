"""How text becomes words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capability_index.words import non_latin_share, plain, split_name, stems, surfaces


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("getUserInfo_v2", "get User Info v 2"),
        ("crm.contacts.search", "crm contacts search"),
        ("/v1/users/{userId}", "v 1 users user Id"),
        ("HTTPServerError", "HTTP Server Error"),
        ("plain", "plain"),
    ],
)
def test_an_identifier_falls_into_its_words(name: str, words: str) -> None:
    """issue 4: camelCase, snake_case and path splitting."""
    assert split_name(name) == words


def test_forms_of_a_word_have_one_stem() -> None:
    """issue 4: stemming."""
    assert stems("deleting deleted deletes") == stems("delete delete delete")


def test_words_that_say_nothing_are_left_out() -> None:
    """issue 4: stop words."""
    assert stems("can you please find me the orders") == stems("find orders")


def test_chinese_is_found_by_characters_and_pairs() -> None:
    """issue 4: CJK bigrams."""
    assert list(surfaces("查询订单")) == ["查", "询", "订", "单", "查询", "询订", "订单"]


def test_markup_is_stripped_and_comparison_signs_are_not() -> None:
    """issue 4: description stripped of markup."""
    assert plain("<p>Lists <b>all</b> orders&nbsp;where a < b</p>", 100) == "Lists all orders where a < b"


def test_a_script_tells_whether_the_table_can_read_it() -> None:
    """facts/retrieval.md: non-Latin queries lower the dense weight."""
    assert non_latin_share("find orders") == 0
    assert non_latin_share("Найти заказы") == 1
    assert non_latin_share("123 !!") == 0


@given(st.text(max_size=200))
def test_any_text_has_words(text: str) -> None:
    """Bad input is normal input."""
    assert all(word == word.lower() or not word.isascii() for word in surfaces(text))
    assert isinstance(stems(text), list)
    assert len(plain(text, 50)) <= 50
