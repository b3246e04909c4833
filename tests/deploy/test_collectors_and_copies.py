"""docs/deploy: what is shipped as files for other programs reads as they read it, and names what there is."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "docs" / "deploy"
PAGES = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "docs").rglob("*.md"))


def read(name: str) -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: str(path.name))
def test_a_file_that_is_shipped_is_led_to_by_a_page(path: Path) -> None:
    assert f"deploy/{path.name})" in PAGES


def test_what_vector_takes_it_passes_on() -> None:
    """Each part reads from one that there is, and nothing that comes in ends nowhere."""
    found = read("vector.yaml")
    known = found["sources"].keys() | found["transforms"].keys()
    read_from = {name for part in (*found["transforms"].values(), *found["sinks"].values()) for name in part["inputs"]}
    assert read_from == known


def test_what_fluent_bit_matches_is_what_it_takes() -> None:
    found = read("fluent-bit.yaml")
    [tag] = {each["tag"] for each in found["pipeline"]["inputs"]}
    assert {each["match"] for part in ("filters", "outputs") for each in found["pipeline"][part]} == {tag}
    assert {each["parser"] for each in found["pipeline"]["filters"]} == {each["name"] for each in found["parsers"]}


def test_litestream_follows_both_stores() -> None:
    assert [Path(each["path"]).name for each in read("litestream.yml")["dbs"]] == ["ascend.sqlite3", "history.sqlite3"]


def test_pgbackrest_knows_the_stanza_that_the_page_names() -> None:
    """And holds no secret: its variables do."""
    found = configparser.ConfigParser()
    found.read(DEPLOY / "pgbackrest.conf")
    page = (REPOSITORY / "docs" / "guides" / "continuous-copies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"--stanza=(\w+)", page)) == set(found.sections()) - {"global"}
    assert not {"repo1-s3-key", "repo1-s3-key-secret", "repo1-cipher-pass"} & set(found["global"])
