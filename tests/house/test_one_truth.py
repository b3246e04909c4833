"""What the gateway knows in one place only, and nowhere a second time."""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth import base64url
from tests.house.test_shape import name_of, sources, statements_of, tree_of


@pytest.mark.parametrize(
    ("word", "places"),
    [
        ("AESGCM", {"oauth/sealing.py"}),
        # A confirm token keeps the padding it always had; an upstream's base64url is as its document says.
        ("urlsafe_b64", {"oauth/base64url.py", "tools/dispatch/confirmations.py", "tools/sources/http/body_encoding.py"}),
    ],
)
def test_a_truth_has_one_place(word: str, places: set[str]) -> None:
    """Two copies of a rule of security drift apart, and only one of them gets the next mend."""
    found = {name_of(path) for path in sources() if word in path.read_text(encoding="utf-8")}
    assert found <= places


@given(st.binary(max_size=40))
def test_base64url_comes_back_with_or_without_its_padding(content: bytes) -> None:
    """RFC 7515 §2: without; some senders pad all the same."""
    text = base64url.encode(content)
    assert "=" not in text
    assert base64url.decode(text) == base64url.decode(text + "=" * (-len(text) % 4)) == content


@pytest.mark.parametrize("text", ["YQ Y", "YQ\n", "Y*Q", "YQ==YQ==", "é", "Y"])
def test_base64url_takes_no_other_character(text: str) -> None:
    """A decoder that skips what it does not know lets one cursor be spelled in many ways."""
    with pytest.raises(ValueError):
        base64url.decode(text)


def test_a_row_becomes_a_record_by_keyword() -> None:
    """Where two columns of one type stand by their position, a swap goes unseen."""
    by_position = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources()
        if "server/storage" in str(path)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id[:1].isupper() and len(node.args) >= 3
        if any(isinstance(part, ast.Name) and part.id == "row" for argument in node.args for part in ast.walk(argument))
    ]
    assert not by_position, f"records by position: {by_position}"


def _classes(path: Path) -> dict[str, set[str]]:
    """Return the classes of a file, each with the names of its bases."""
    found = [node for node, _is_inside in statements_of(tree_of(path)) if isinstance(node, ast.ClassDef)]
    return {each.name: {base.id for base in each.bases if isinstance(base, ast.Name)} for each in found}


@cache
def classes_by_file() -> Mapping[str, dict[str, set[str]]]:
    """Return the classes of every file; not before a test asks, for each worker collects all tests."""
    return {name_of(path): _classes(path) for path in sources()}


TREES = [path for path in sources() if path.name == "errors.py"]


def errors() -> set[str]:
    return {"Exception", "ValueError", "ToolError"} | {name for path in TREES for name in classes_by_file()[name_of(path)]}


def strays(package: str, bases: set[str]) -> set[str]:
    """Return the errors of a package that stand in no tree."""
    outside = {file: found for file, found in classes_by_file().items() if file.startswith(package) and not file.endswith("/errors.py")}
    return {f"{file}: {name}" for file, found in outside.items() for name, its_bases in found.items() if its_bases & bases}


def test_every_error_stands_in_the_tree_of_its_area() -> None:
    """Architecture, rule 3. In `tools` those that a caller may be told; what one room raises and catches may stand there."""
    assert strays("oauth/", errors()) | strays("capability_index/", errors()) | strays("tools/", {"ToolError"}) == set()


@pytest.mark.parametrize("path", TREES, ids=name_of)
def test_a_tree_of_errors_is_drawn_above_it(path: Path) -> None:
    """In the docstring, with a word on each."""
    drawn = ast.get_docstring(tree_of(path)) or ""
    names = [name for name, bases in classes_by_file()[name_of(path)].items() if bases & errors()]
    assert len(names) < 2 or not [name for name in names if name not in drawn]


def test_a_link_to_a_third_party_is_called_a_connection() -> None:
    """docs/glossary.md: the account is the third party's, and the page that people have here."""
    named = {
        name for file, found in classes_by_file().items() if file.startswith(("oauth/", "tools/")) for name in found if "Account" in name
    }
    assert named == {"ExternalAccount"}
