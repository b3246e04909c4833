"""`ascend rag search`: the passages that fit a question."""

import json

import click

from server.commands.context.opened import tenant_option
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rag.opened import document_numbers, opened_documents
from server.commands.terminal import say
from server.config.settings import Settings
from tools.builtins.context.rag_questions import passage_row
from tools.context_plane.rag.records import DocumentFilter


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 50), default=5, show_default=True, help="How many passages.")
@click.option("--document", "documents", multiple=True, metavar="ID", help="Only in this document; may be given several times.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, query: str, limit: int, documents: tuple[str, ...], tenant: str, as_json: bool) -> None:
    """Find the passages that fit QUERY, the best first, with document, page and place."""
    wanted = DocumentFilter(document_ids=document_numbers(documents))
    async with opened_documents(settings, tenant) as opened:
        found = await opened.documents.search.search(opened.scope, query, wanted, limit)
    if as_json:
        rows = [passage_row(each) for each in found.passages]
        click.echo(json.dumps({"passages": rows, "low_confidence": found.low_confidence}, indent=2))
        return
    for each in found.passages:
        passage = each.passage
        place = f", page {passage.page}" if passage.page else ""
        say(f"{passage.name}{place}, {passage.start}-{passage.end}" + (f": {passage.heading}" if passage.heading else ""))
        say(f"  {' '.join(passage.text.split())}")
    if found.low_confidence:
        say("nothing fits well" if found.passages else "no passage fits; `ascend rag list` shows which documents there are")
