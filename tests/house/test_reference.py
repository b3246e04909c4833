"""Pages that are written from the program say what it has today, and pages written by hand name nothing that it has not."""

import re
from pathlib import Path

import pytest

from benchmarks import invariants, reference
from benchmarks.reference import FOLDER
from tests.conftest import REPOSITORY
from tests.gateway import opened
from tools.always_on import ALWAYS_ON

#: how samples of a metric end beside its name
_ENDINGS = re.compile(r"_(?:bucket|sum|count|created|total|info)$")
#: where people read and machines watch
_SHIPPED = [path for path in (REPOSITORY / "docs" / "deploy").rglob("*") if path.is_file()]
_PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *_SHIPPED])
#: begin like a metric, and are cookies, a channel of PostgreSQL, a parser of log lines
_NO_METRICS = {"ascend_session", "ascend_browser", "ascend_changes", "ascend_line"}


_NUMBERS = ("one", "two", "three", "four", "five", "six")


def _names(text: str) -> set[str]:
    """Return the metrics that a text names; not families of them, as `ascend_ai_…`."""
    return {_ENDINGS.sub("", name) for name in re.findall(r"\bascend_[a-z0-9_]+[a-z0-9]\b", text)} - _NO_METRICS


def test_the_page_of_commands_is_written_from_the_command_line() -> None:
    assert (FOLDER / "commands.md").read_text(encoding="utf-8") == reference.commands_page(), (
        "write it anew: python -m benchmarks.reference"
    )


def test_the_page_of_metrics_is_written_from_the_program() -> None:
    assert (FOLDER / "metrics.md").read_text(encoding="utf-8") == reference.metrics_page(), "write it anew: python -m benchmarks.reference"


async def test_the_page_of_metrics_has_all_that_a_gateway_exports(tmp_path: Path) -> None:
    """A metric whose name is put together while it runs would be missing on the page."""
    page = (FOLDER / "metrics.md").read_text(encoding="utf-8")
    async with opened(tmp_path) as gateway:
        exported = {family.name for family in gateway.operations.telemetry.registry.collect()}
    assert len(exported) > 20
    assert not [name for name in exported if not name.startswith(("process_", "python_")) and f"`{name}" not in page]


def test_no_page_and_no_rule_names_a_metric_that_there_is_not() -> None:
    """An alert on a metric that was renamed never fires."""
    known = _names((FOLDER / "metrics.md").read_text(encoding="utf-8"))
    named = {(path.name, name) for path in _PAGES for name in _names(path.read_text(encoding="utf-8"))}
    assert not sorted((page, name) for page, name in named if name not in known)


def test_there_are_as_many_tools_as_the_first_pages_say() -> None:
    """Words that are in everybody's head, and on the picture, when a fourth one comes."""
    word = _NUMBERS[len(ALWAYS_ON) - 1]
    for page in ("README.md", "docs/architecture.md"):
        assert set(re.findall(r"\b(\w+) tools\b", (REPOSITORY / page).read_text(encoding="utf-8"))) & set(_NUMBERS) == {word}, page


def test_what_must_always_hold_is_held_by_tests_that_there_are() -> None:
    """A test that was renamed or dropped takes its promise with it, and that should not happen by accident."""
    assert invariants.PAGE.read_text(encoding="utf-8") == invariants.page(), "write it anew: python -m benchmarks.invariants"


def test_a_promise_without_a_test_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "INVARIANTS", {"One door": {"tests/house/test_reference.py": ("test_that_nobody_wrote",)}})
    with pytest.raises(KeyError, match="test_that_nobody_wrote"):
        invariants.page()
