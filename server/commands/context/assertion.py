"""`ascend context assert`."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from server.commands.context.opened import local, open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.commands.terminal import say
from tools.context_plane.arguments.assertions import MAX_FACTS
from tools.context_plane.assertion import context_assert
from tools.context_plane.errors import ContextRefused

#: texts that were cleaned, named one by one
MAX_SHOWN = 10


@click.command("assert")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="file", show_default=True, metavar="NAME", help="Who says so, where a line does not say it itself.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, file: Path, source: str, tenant: str, as_json: bool) -> None:
    """Remember the facts of FILE.

    FILE holds a JSON object a line: a fact {"subject", "predicate", "value", "valid_from", "valid_to", "confidence"}, or facts with where
    they were said {"facts": [...], "episode": {"source", "source_id", "occurred_at", "content"}}. One such object may also be the whole
    file. The same file again changes nothing.
    """
    batches = list(_batches(_objects(file), {"source": source, "source_id": file.name}))
    total = sum(len(batch["facts"]) for _line, batch in batches)
    counts: Counter[str] = Counter()
    refused: list[dict[str, Any]] = []
    cleaned: list[str] = []
    async with open_context(settings, tenant) as (plane, _scope):
        with progress_bar("remembering") as progress:
            for line, batch in batches:
                try:
                    data = await context_assert(plane.store.context, local(tenant), batch)
                except ContextRefused as refusal:
                    kept = f"; {counts['facts']:,} facts before it were kept" if counts["facts"] else ""
                    raise CommandFailed(f"{file}:{line}: {told(refusal)}{kept}") from refusal
                counts["facts"] += len(batch["facts"])
                cleaned += [f"line {line}: {path}" for path in data["cleaned"]]
                for place, each in enumerate(data["facts"]):
                    counts[str(each["outcome"])] += 1
                    if each.get("refused"):
                        refused.append({"line": line, "fact": place, "refused": each["refused"]})
                if progress is not None:
                    progress(counts["facts"], total)
    if as_json:
        click.echo(json.dumps({**counts, "refusals": refused, **({"cleaned": cleaned} if cleaned else {})}, indent=2))
        return
    print_rows([{"what": name, "facts": count} for name, count in counts.items()], as_json=False, empty="the file is empty")
    if refused:
        print_rows(refused, as_json=False, empty="")
    if cleaned:
        more = f", and {len(cleaned) - MAX_SHOWN} more" if len(cleaned) > MAX_SHOWN else ""
        say(f"left out what no text can have, from {'; '.join(cleaned[:MAX_SHOWN])}{more}")


def _objects(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file, each with the line where it stands."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file}: cannot be read as UTF-8") from error
    try:
        whole = json.loads(text)
    except ValueError:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    else:
        lines = [(1, json.dumps(each)) for each in (whole if isinstance(whole, list) else [whole])]
    for number, line in lines:
        try:
            value = json.loads(line)
        except ValueError as error:
            raise CommandFailed(f"{file}:{number}: not JSON; write one object a line") from error
        if not isinstance(value, dict):
            raise CommandFailed(f"{file}:{number}: no object; a line is a fact, or facts with their episode")
        yield number, value


def _batches(objects: Iterator[tuple[int, dict[str, Any]]], episode: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield calls of context_assert: what names an episode as it is, single facts as many at a time as fit."""
    facts: list[dict[str, Any]] = []
    first = 1
    for line, each in objects:
        if "facts" in each:
            yield line, each if "episode" in each else {**each, "episode": episode}
            continue
        first = first if facts else line
        facts.append(each)
        if len(facts) == MAX_FACTS:
            yield first, {"facts": facts, "episode": episode}
            facts = []
    if facts:
        yield first, {"facts": facts, "episode": episode}
