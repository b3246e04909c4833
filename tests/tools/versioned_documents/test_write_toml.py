"""What `ascend ai config` prints is what `ascend ai apply` reads."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from tests.tools.ai_gateway.configuration.example import EXAMPLE
from tools.ai_gateway.configuration.read_document import read_toml
from tools.versioned_documents.write_toml import write_toml

#: whatever TOML can hold at all
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def test_a_whole_file_comes_back() -> None:
    document = read_toml(EXAMPLE.encode())
    assert read_toml(write_toml(document).encode()) == document


@given(st.dictionaries(TEXTS, st.dictionaries(TEXTS.filter(lambda name: name not in ("from", "sunset")), VALUES, max_size=3), max_size=3))
def test_every_name_and_value_is_written_so_that_it_reads_the_same(entries: dict[str, dict[str, object]]) -> None:
    document = {"routes": entries, "prices": list(entries.values())}
    assert {"routes": {}, "prices": [], **tomllib.loads(write_toml(document))} == document


@given(
    st.dictionaries(
        TEXTS, st.dictionaries(TEXTS.filter(lambda name: name not in ("from", "sunset")), VALUES, min_size=1, max_size=3), max_size=3
    )
)
def test_a_section_of_values_and_tables_reads_the_same(document: dict[str, dict[str, object]]) -> None:
    assert tomllib.loads(write_toml(document)) == document
