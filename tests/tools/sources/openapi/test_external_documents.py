"""Documents in several files: all of them, or the reason why one stays out."""

import tarfile
from pathlib import Path

import pytest

from tools.operation import Json
from tools.sources.openapi import external_documents as openapi_externals
from tools.sources.openapi.document import Gathered
from tools.sources.openapi.external_documents import folder_reader, gather_externals
from tools.sources.openapi.import_document import ImportResult, import_document

PART = "get:\n  responses: {}\n"


async def imported(file: Path) -> tuple[ImportResult, Gathered]:
    raw, location = file.read_bytes(), file.resolve().as_uri()  # noqa: ASYNC240 - a small local file
    externals = await gather_externals(raw, location, folder_reader())
    result = import_document(raw, provider="api", tenant_id=None, location=location, externals=externals)
    return result, externals


def in_parts(folder: Path, count: int) -> Path:
    lines = ["openapi: 3.0.3", "info: {title: Parts}", "servers: [{url: 'https://api.example'}]", "paths:"]
    for number in range(count):
        (folder / f"p{number}.yaml").write_text(PART, encoding="utf-8")
        lines.append(f"  /p{number}: {{$ref: p{number}.yaml}}")
    root = folder / "openapi.yaml"
    root.write_text("\n".join(lines), encoding="utf-8")
    return root


async def test_a_document_in_more_than_400_parts_comes_in_whole(tmp_path: Path) -> None:
    result, _ = await imported(in_parts(tmp_path, 401))
    assert (len(result.operations), result.skipped) == (401, ())


async def test_one_line_names_the_limit_of_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi_externals, "MAX_DOCUMENTS", 5)
    result, externals = await imported(in_parts(tmp_path, 9))
    assert len(externals) == len(result.operations) == 5
    (line,) = result.skipped
    assert line.reason == "more than 5 documents were referred to; bundle it into one document: 4 places need what was not read"


async def test_gathering_ends_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi_externals, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(openapi_externals, "MAX_GATHERING_S", -1.0)
    root = in_parts(tmp_path, 3)
    externals = await gather_externals(root.read_bytes(), root.resolve().as_uri(), folder_reader())
    assert (len(externals), len(externals.unread)) == (0, 3)
    assert externals.limit is not None


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        ("../shared.yaml", "is outside the folder of the document; name a folder that has both with --root, or bundle it into one"),
        ("missing.yaml", "is not there"),
        ("broken.yaml", "is neither JSON nor YAML"),
        ("https://elsewhere.example/a.yaml", "is outside the folder of the document"),
    ],
)
async def test_the_reason_says_why_a_document_was_not_read(tmp_path: Path, ref: str, why: str) -> None:
    folder = tmp_path / "api"
    folder.mkdir()
    (tmp_path / "shared.yaml").write_text(PART, encoding="utf-8")
    (folder / "broken.yaml").write_text("a: [", encoding="utf-8")
    root = folder / "openapi.yaml"
    head = "openapi: 3.0.3\ninfo: {title: A}\nservers: [{url: 'https://api.example'}]\npaths:\n  /a: {get: {responses: {}}}\n"
    root.write_text(f"{head}  /b: {{$ref: '{ref}'}}\n", encoding="utf-8")
    result, _ = await imported(root)
    (line,) = result.skipped
    assert why in line.reason


async def test_another_origin_is_named_as_the_reason() -> None:
    async def read(location: str) -> bytes | None:
        raise AssertionError(location)

    raw = b'{"paths": {"/a": {"$ref": "https://elsewhere.example/a.yaml"}}}'
    gathered = await gather_externals(raw, "https://api.example/openapi.json", read)
    assert "another origin" in gathered.unread["https://elsewhere.example/a.yaml"]


async def test_documents_that_refer_to_each_other_are_read_once(tmp_path: Path) -> None:
    seen: list[str] = []

    async def read(location: str) -> bytes | None:
        seen.append(location)
        return b"x: {$ref: b.yaml}\ny: {$ref: a.yaml}\nz: {$ref: openapi.yaml}"

    document: Json = b"paths: {/a: {$ref: a.yaml}}"
    await gather_externals(document, "https://api.example/openapi.yaml", read)
    assert sorted(seen) == ["https://api.example/a.yaml", "https://api.example/b.yaml"]


async def test_digitalocean_comes_in_whole(shared_data: Path, tmp_path: Path) -> None:
    """2,849 documents, 659 operations; one has its server in an argument (`/<upload_url>`)."""
    archive = shared_data / "specs" / "digitalocean.tar.xz"
    if not archive.is_file():
        pytest.skip("the document is not among the shared data")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    result, _ = await imported(tmp_path / "specification" / "DigitalOcean-public.v2.yaml")
    assert len(result.operations) == 658
    assert [line.where for line in result.skipped] == ["PUT /<upload_url>"]
