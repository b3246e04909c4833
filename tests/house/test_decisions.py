"""The pages of docs/decisions: one number, one decision, and whoever names one leads to its page."""

import re
from collections import Counter

from tests.conftest import REPOSITORY
from tests.house.test_shape import name_of, sources

_PAGES = sorted((REPOSITORY / "docs" / "decisions").glob("[0-9]*.md"))
_NUMBERS = [page.name[:4] for page in _PAGES]
_NAMED = re.compile(r"decisions?[ /](\d{4})")


def test_a_number_is_one_decision() -> None:
    """Two pages of one number lead a reader to the wrong reason."""
    assert [number for number, pages in Counter(_NUMBERS).items() if pages > 1] == []


def test_a_decision_says_its_number() -> None:
    """A page that is renumbered has the number in its heading, too."""
    assert [page.name for page in _PAGES if not re.match(rf"# {page.name[:4]}\b", page.read_text(encoding="utf-8"))] == []


def test_whoever_names_a_decision_leads_to_its_page() -> None:
    """In the program, the tests and the benchmarks; links between pages are looked at with all links."""
    places = [*sources(), *(REPOSITORY / "tests").rglob("*.py"), *(REPOSITORY / "benchmarks").rglob("*.py")]
    named = {(name_of(place), number) for place in places for number in _NAMED.findall(place.read_text(encoding="utf-8"))}
    assert named
    assert not {(place, number) for place, number in named if number not in _NUMBERS}
