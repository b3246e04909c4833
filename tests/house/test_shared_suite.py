"""Workers that share the suite run what belongs together, one after the other."""

from pathlib import Path

from tests.shared_suite import REPOSITORY, group_of, is_short

PAGES = "tests/server/pages/test_pages_in_browser.py"
CONSOLE = "tests/server/admin/console/test_pages_in_chromium.py"


def test_the_tests_of_a_module_stay_together() -> None:
    """Whatever stands in the brackets of a parameter."""
    here = str(Path(__file__).relative_to(REPOSITORY))
    assert {group_of(f"{here}::test_one[a@b::c]"), group_of(f"{here}::test_two")} == {here}
    assert group_of("tests/house/test_shape.py::test_one") != here


def test_what_starts_the_same_program_stays_together_and_is_begun_first() -> None:
    assert {group_of(f"{PAGES}::test_one"), group_of(f"{CONSOLE}::test_two")} == {"chromium"}
    contract = next((REPOSITORY / "tests" / "contracts").rglob("test_*.py")).relative_to(REPOSITORY)
    assert group_of("tests/flows/test_postgres.py::test_one") == group_of(f"{contract}::test_one") == "postgresql"
    assert [is_short(f"{path}::test_one") for path in (PAGES, "tests/flows/test_crash.py", "tests/house/test_shape.py")] == [
        False,
        False,
        True,
    ]
