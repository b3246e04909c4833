"""Save and load."""

import json
from pathlib import Path

import pytest

from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable
from capability_index.errors import SnapshotInvalid
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from capability_index.snapshot import load, save

ALL = Visible(("*",))


def loaded(folder: Path, table: WordTable) -> CapabilityIndex:
    index = CapabilityIndex(table)
    index.adopt(load(folder, table.model))
    return index


def test_a_saved_index_answers_as_before(index: CapabilityIndex, table: WordTable, tmp_path: Path) -> None:
    """issue 4: crash-safe save and load."""
    index.delete("*", ["crm.deals.create"])
    index.upsert("t", [Document("own", "Ünïcode – 名前", "Own operation of a tenant.", provider="x")])
    save(index.segments(), tmp_path, table.model)
    other = loaded(tmp_path, table)
    for intent in ("open a deal", "own operation", "send an email to Ada, then delete the order"):
        assert other.search(intent, Visible(("t", "*")), 20) == index.search(intent, Visible(("t", "*")), 20)


def test_a_loaded_index_goes_on_changing(index: CapabilityIndex, catalogue: list[Document], table: WordTable, tmp_path: Path) -> None:
    """Loaded arrays are mapped read-only: a change makes new ones."""
    save(index.segments(), tmp_path, table.model)
    other = loaded(tmp_path, table)
    assert other.upsert("*", catalogue).unchanged == len(catalogue)
    other.upsert("*", [Document(f"new{at}", f"thing {at}", "A new thing.") for at in range(30)])
    other.delete("*", [document.slug for document in catalogue])
    assert other.count("*") == 30
    save(other.segments(), tmp_path, table.model)
    assert loaded(tmp_path, table).count("*") == 30


def test_an_unchanged_part_is_not_written_again(index: CapabilityIndex, table: WordTable, tmp_path: Path) -> None:
    """Parts are immutable, and named by their content."""
    save(index.segments(), tmp_path, table.model)
    (part,) = tmp_path.glob("*.part")
    written = part.stat().st_mtime_ns
    index.delete("*", ["mail.send"])
    save(index.segments(), tmp_path, table.model)
    assert part.stat().st_mtime_ns == written
    assert loaded(tmp_path, table).count("*") == 9


def test_a_crash_before_the_manifest_leaves_the_old_index(index: CapabilityIndex, table: WordTable, tmp_path: Path) -> None:
    """The manifest is swapped in last; what a crash left lying about is ignored, then swept away."""
    save(index.segments(), tmp_path, table.model)
    (tmp_path / "0123.part").write_bytes(b"written, not yet listed")
    (tmp_path / "manifest.json.new").write_bytes(b'{"half":')
    assert loaded(tmp_path, table).count("*") == 10
    save(index.segments(), tmp_path, table.model)
    assert not (tmp_path / "0123.part").exists()


@pytest.mark.parametrize("cut", ["flip", "short", "gone", "empty"])
def test_a_damaged_part_is_refused(index: CapabilityIndex, table: WordTable, tmp_path: Path, cut: str) -> None:
    """The manifest holds the hash of every file."""
    save(index.segments(), tmp_path, table.model)
    (part,) = tmp_path.glob("*.part")
    content = part.read_bytes()
    part.unlink()
    if cut != "gone":
        part.write_bytes({"flip": content[:-1] + b"x", "short": content[: len(content) // 2], "empty": b""}[cut])
    with pytest.raises(SnapshotInvalid, match="build the index anew"):
        load(tmp_path, table.model)


@pytest.mark.parametrize("content", [b"", b"{}\n{}", b"not json\nat all", b'{"sha256": "00"}\n{"format": 2}', b"[1]\n[2]"])
def test_a_damaged_manifest_is_refused(table: WordTable, tmp_path: Path, content: bytes) -> None:
    """Nothing is lost: the catalogue is the truth, and the index is built anew."""
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(SnapshotInvalid, match="build the index anew"):
        load(tmp_path, table.model)


def test_a_snapshot_of_another_model_is_refused(index: CapabilityIndex, table: WordTable, tmp_path: Path) -> None:
    """issue 4: vector spaces are never mixed."""
    save(index.segments(), tmp_path, table.model)
    with pytest.raises(SnapshotInvalid, match="made for wordllama"):
        load(tmp_path, "another-model")


def test_no_snapshot_says_how_to_make_one(table: WordTable, tmp_path: Path) -> None:
    """Errors name the way out."""
    with pytest.raises(SnapshotInvalid, match="ascend index build"):
        load(tmp_path, table.model)


def test_the_manifest_names_every_part_with_its_hash(index: CapabilityIndex, table: WordTable, tmp_path: Path) -> None:
    """issue 4: a manifest of content hashes."""
    save(index.segments(), tmp_path, table.model)
    body = json.loads((tmp_path / "manifest.json").read_bytes().partition(b"\n")[2])
    assert {entry["file"] for entries in body["segments"].values() for entry in entries} == {path.name for path in tmp_path.glob("*.part")}
