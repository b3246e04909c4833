"""`ascend provider scaffold`: a folder for a provider, begun from its OpenAPI document."""

import json
import re
from pathlib import Path

import click

from capability_index.errors import PageInvalid
from oauth.connections.errors import ProviderInvalid
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.import_report import at_work
from server.commands.importing import check_slug
from server.commands.terminal import say
from server.config.settings import Settings
from tools.errors import ImportFailed
from tools.sources.import_source import read_source
from tools.sources.scaffold.scaffold import PAGES, Scaffold, scaffold_of

#: words of a document's title that say nothing of whose it is
_EMPTY_WORDS = frozenset({"api", "apis", "rest", "the", "public", "platform", "openapi", "specification", "v1", "v2", "v3"})


@click.command("scaffold")
@click.option("--openapi", "source", required=True, metavar="URL|FILE", help="The document: OpenAPI 3.0 to 3.2 or Swagger 2.0.")
@click.option("--provider", default=None, metavar="SLUG", help="What it is called here; else the first word of the document's title.")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=None, help="The folder; else ./providers/SLUG.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only operations whose name, path or tag matches; may be repeated.")
@click.option("--force", is_flag=True, help="Replace files that say something else; pages of operations that are gone are removed.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings, source: str, provider: str | None, into: Path | None, include: tuple[str, ...], force: bool, as_json: bool
) -> None:
    """Begin a folder for a provider: the document, how accounts are connected, a page an operation, their table, and a test of it all.

    Nothing is imported or registered by it; it says which commands do that. Run again, it writes what is new and changes nothing that
    somebody has corrected.
    """
    with at_work(f"reading {source}"):
        document = await read_source(source)
        try:
            name = provider or _name_in(scaffold_of(document, "unnamed", include).title)
            check_slug(name)
            scaffold = scaffold_of(document, name, include)
        except (ImportFailed, PageInvalid, ProviderInvalid) as error:
            raise CommandFailed(f"{source}: {error}") from error
    folder = into or Path("providers") / name
    written, removed = _written(folder, scaffold, name, force)
    steps = _next(folder, scaffold, name)
    if as_json:
        row = {"provider": name, "folder": str(folder), "operations": scaffold.operations, "written": written, "removed": removed}
        click.echo(json.dumps({**row, "skipped": scaffold.skipped, "next": steps}, indent=2))
        return
    say(f"{folder}: {scaffold.operations} operations of {scaffold.title}; {len(written)} files written, {len(removed)} removed")
    if scaffold.skipped:
        say(f"{len(scaffold.skipped)} places of the document cannot come in as they are; --json lists them")
    for step in steps:
        say(f"next: {step}")


def _written(folder: Path, scaffold: Scaffold, provider: str, force: bool) -> tuple[list[str], list[str]]:
    """Write the files, all or none, and return which; and which pages went. Raises CommandFailed."""
    there = {path: (folder / path).read_bytes() for path in scaffold.files if (folder / path).is_file()}
    changed = [path for path, content in there.items() if content != scaffold.files[path]]
    gone = sorted(
        f"{PAGES}/{page.name}" for page in (folder / PAGES).glob(f"{provider}.*.md") if f"{PAGES}/{page.name}" not in scaffold.files
    )
    if (changed or gone) and not force:
        what = f"{folder / (changed or gone)[0]} " + ("says something else" if changed else "is of an operation that is gone")
        more = f", and {len(changed) + len(gone) - 1} more" if len(changed) + len(gone) > 1 else ""
        raise CommandFailed(f"{what}{more}; nothing was written: --force replaces it, --into names another folder")
    written = [path for path in scaffold.files if there.get(path) != scaffold.files[path]]
    try:
        for path in written:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(scaffold.files[path])
        for path in gone:
            (folder / path).unlink()
    except OSError as error:
        raise CommandFailed(f"{folder}: {error.strerror}; name another folder with --into") from error
    return written, gone


def _next(folder: Path, scaffold: Scaffold, provider: str) -> list[str]:
    document = next(path for path in scaffold.files if path.startswith("openapi."))
    accounts = f"{provider}.yaml"
    steps = [f"ascend import openapi {folder / document} --provider {provider} --shared"]
    if scaffold.auth in ("oauth2", "client_credentials"):
        steps.append(f"correct what {folder / accounts} marks `look up`, then: ascend provider add {folder / accounts} --client-id ID")
    elif scaffold.auth:
        kind = " --kind basic --username NAME" if scaffold.auth == "basic" else ""
        steps.append(f"ascend connection add-key {provider}{kind}")
    return [*steps, f"pytest {folder / next(path for path in scaffold.files if path.startswith('test_'))}"]


def _name_in(title: str) -> str:
    words: list[str] = [word for word in re.findall(r"[a-z0-9]+", title.lower()) if word not in _EMPTY_WORDS]
    if not words:
        raise CommandFailed("the document's title names nobody; say what it is called here with --provider")
    return words[0]
