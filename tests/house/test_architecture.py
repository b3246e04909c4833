"""The documents about the code say what the code is."""

import re
import tomllib
from pathlib import Path

import pytest

from benchmarks import rooms, structure
from tests.conftest import REPOSITORY

#: what a distribution is imported as, where that is not its own name
IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "opentelemetry-api": "opentelemetry",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
    "prometheus-client": "prometheus_client",
    "pydantic-monty": "pydantic_monty",
    "pystemmer": "Stemmer",
    "pyyaml": "yaml",
    "sentence-transformers": "sentence_transformers",
}
#: needed by another library at work, and imported by none of our files
BEHIND_ANOTHER = {
    "aiosqlite": "SQLAlchemy's driver for SQLite",
    "psycopg": "SQLAlchemy's driver for PostgreSQL",
    "python-multipart": "what starlette reads forms with",
    "tzdata": "where zoneinfo looks when the machine has no time zones",
}


def distributions(entries: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~;\s]", entry, maxsplit=1)[0].lower() for entry in entries}


def project() -> dict[str, object]:
    return dict(tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"])


def runtime_source() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for package in structure.PACKAGES for path in (REPOSITORY / package).rglob("*.py"))


def test_the_picture_of_the_rooms_is_drawn_from_todays_imports() -> None:
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture(), "draw it anew: python -m benchmarks.rooms"


def test_every_dependency_is_imported_by_the_program() -> None:
    settings = project()
    extras: dict[str, list[str]] = settings["optional-dependencies"]  # type: ignore[assignment]  # as TOML has it
    named: list[str] = [*settings["dependencies"], *(entry for extra in extras.values() for entry in extra)]  # type: ignore[misc]
    # What stands before the first point of a word: a name after `import` or `from`, or in quotes where it is imported by its name.
    words = {word.partition(".")[0] for word in set(runtime_source().replace('"', " ").replace("'", " ").split())}
    idle = [
        name for name in sorted(distributions(named) - BEHIND_ANOTHER.keys()) if IMPORTED_AS.get(name, name.replace("-", "_")) not in words
    ]
    assert not idle, f"named in pyproject.toml and imported nowhere: {idle}"


def test_every_dependency_has_its_sentence() -> None:
    settings = project()
    page = (REPOSITORY / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8").lower()
    missing = [name for name in sorted(distributions(settings["dependencies"])) if name not in page]  # type: ignore[arg-type]
    assert not missing, f"docs/decisions/dependencies.md has no word about {missing}"


@pytest.mark.parametrize("document", ["docs/architecture.md", "docs/glossary.md", "README.md"])
def test_every_file_that_the_documents_name_is_there(document: str) -> None:
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:server|tools|oauth|capability_index|tests|docs|benchmarks)/[\w/.-]+?\.(?:py|md|svg))`", text)
    gone = sorted({name for name in named if not Path(REPOSITORY / name).is_file()})
    assert not gone, f"{document} names files that are not there: {gone}"
