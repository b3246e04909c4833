"""An id is its number, and nothing else is an id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.context_plane.ids import DOCUMENT, FACT, id_number, id_text, new_id


@given(st.integers(1, 2**63 - 1))
def test_a_number_comes_back_from_its_text(number: int) -> None:
    assert id_number(FACT, id_text(FACT, number)) == number


@pytest.mark.parametrize(
    "text", ["", "fct_", "fct", "doc_1", "fct_u", "fct_" + "z" * 13, "fct_" + "0" * 14, "FCT_1", "fct_1 ", "fct_0", "fct_é"]
)
def test_what_is_no_id_of_its_kind_is_none(text: str) -> None:
    assert id_number(FACT, text) is None


def test_an_id_of_one_kind_is_none_of_another() -> None:
    assert id_number(DOCUMENT, id_text(FACT, new_id())) is None
