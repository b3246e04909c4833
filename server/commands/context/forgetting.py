"""`ascend context forget`."""

import json

import click

from server.commands.context.opened import local, open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.terminal import say
from tools.context_plane.errors import ContextRefused
from tools.operation import Json


@click.command("forget")
@click.option("--entity", metavar="NAME|ID", help="All about this entity.")
@click.option("--episode", metavar="ID", help="All from this episode.")
@click.option("--source", metavar="NAME", help="All from this source.")
@click.option("--document", metavar="ID", help="All from this document.")
@click.option("--audience", metavar="SUBJECT", help="All that is private to this person.")
@click.option("--documents", is_flag=True, help="With --entity: delete the documents that name it, too.")
@click.option("--scrub", is_flag=True, help="Have PostgreSQL write its tables anew afterwards; everybody waits meanwhile.")
@click.option("--dry-run", is_flag=True, help="Count what would go, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    entity: str | None,
    episode: str | None,
    source: str | None,
    document: str | None,
    audience: str | None,
    documents: bool,
    scrub: bool,
    dry_run: bool,
    yes: bool,
    tenant: str,
    as_json: bool,
) -> None:
    """Delete for good what is known about an entity, or from an episode, a source, a document or one person. No trace stays.

    SQLite overwrites what it deletes. PostgreSQL leaves the bytes until it uses the space again, unless you say --scrub, and in its
    write-ahead log until that is written over.
    """
    named = {"entity": entity, "episode": episode, "source": source, "document": document, "audience": audience}
    given: dict[str, Json] = {name: value for name, value in named.items() if value is not None}
    given |= {"documents": True} if documents else {}
    async with open_context(settings, tenant) as (plane, _scope):
        try:
            data = await plane.forgetting(local(tenant), {**given, "dry_run": True})
            if not dry_run:
                if not yes:
                    gone = ", ".join(f"{count:,} {table}" for table, count in data["rows"].items()) or "nothing"
                    gone += f", and {data['named_in']['documents']:,} documents that name it" if documents else ""
                    click.confirm(f"This deletes {gone}, for good. Go on?", abort=True, err=True)
                data = await plane.forgetting(local(tenant), given)
                if scrub:
                    await plane.store.context.scrub()
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    if as_json:
        click.echo(json.dumps(data, indent=2))
        return
    rows = [{"table": table, "rows": count} for table, count in data["rows"].items()]
    print_rows(rows, as_json=False, empty="there is nothing of it")
    if (named_in := data.get("named_in")) and named_in["documents"] and not named_in["deleted"]:
        say(f"{named_in['documents']:,} documents name it: {', '.join(named_in['ids'])}; --documents deletes them, too")
    if named_in and named_in["unread"]:
        say(f"{named_in['unread']:,} documents wait to be read, and may name it: ask again when they are")
