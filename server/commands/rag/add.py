"""`ascend rag add`: take in files, folders and URLs, and wait until they can be asked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import click

from server.commands.context.opened import tenant_option
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rag.opened import OpenedDocuments, opened_documents
from server.commands.rows import print_rows
from server.commands.terminal import say
from server.config.settings import Settings
from tools.builtins.context.rag_documents import shown
from tools.context_plane.rag.uploads import MAX_DOCUMENT_BYTES, UploadRequest, too_large
from tools.errors import ToolError
from tools.operation import Json

_SHOWN = ("document_id", "name", "status", "passages", "pages")
#: of a folder, whatever has another ending is passed over
SUFFIXES = frozenset({".txt", ".md", ".markdown", ".html", ".htm", ".pdf", ".docx", ".csv", ".rst"})


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--name", default="", help="What citations call it; of one PATH only. Else the file's name.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, paths: tuple[str, ...], name: str, tenant: str, as_json: bool) -> None:
    """Take in documents: text, Markdown, HTML, PDF, DOCX, CSV. PATH is a file, a folder or an http(s) URL.

    Waits until they are read. The same bytes again change nothing; a file that changed replaces the older one of its name.
    """
    wanted = list(_wanted(paths))
    if name and len(wanted) > 1:
        raise click.UsageError("--name is for one document; these are several")
    rows: list[dict[str, Json]] = []
    async with opened_documents(settings, tenant) as opened:
        with progress_bar("documents") as progress:
            for done, path in enumerate(wanted):
                if progress is not None:
                    progress(done, len(wanted))
                rows.append(await _added(opened, path, name))
    failed = [row for row in rows if row["status"] == "failed"]
    print_rows(rows if as_json else [{key: row.get(key) for key in _SHOWN} for row in rows], as_json=as_json, empty="nothing to add")
    for row in failed if not as_json else ():
        say(f"{row['name']}: {row['error']['message']}; {row['error']['hint']}", err=True)
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(rows)} cannot be read; the others are there")


async def _added(opened: OpenedDocuments, path: str, name: str) -> dict[str, Json]:
    documents = opened.documents
    try:
        request = UploadRequest(name, url=path) if _is_url(path) else UploadRequest(name or Path(path).name, await _bytes_of(path))
        added = await documents.uploads.upload(opened.scope, request)
    except ToolError as error:
        # One that is refused keeps back none of the others.
        said = {"code": error.failure.code, "message": error.failure.message, "hint": error.failure.hint}
        return {"document_id": None, "name": name or path, "status": "failed", "error": said}
    await documents.ingestion.drain()
    while (record := await documents.store.documents.get(opened.scope, added.document.document_id)) is not None:
        if record.status in ("ready", "failed"):
            return shown(record) | ({} if added.is_new else {"duplicate": True})
        # The running gateway was faster and reads it.
        await anyio.sleep(0.1)
    return {"document_id": None, "name": name or path, "status": "deleted"}


def _wanted(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if _is_url(path):
            yield path
            continue
        place = Path(path)
        if place.is_dir():
            found = sorted(each for each in place.rglob("*") if each.is_file() and each.suffix.lower() in SUFFIXES)
            if not found:
                raise click.UsageError(f"{path} has no file that can be read; they end in {', '.join(sorted(SUFFIXES))}")
            yield from map(str, found)
        elif place.is_file():
            yield path
        else:
            raise click.UsageError(f"{path}: there is no such file or folder")


async def _bytes_of(path: str) -> bytes:
    place = anyio.Path(path)
    try:
        if (await place.stat()).st_size > MAX_DOCUMENT_BYTES:
            raise too_large(path)
        return await place.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from error


def _is_url(path: str) -> bool:
    return path.startswith(("http://", "https://"))
