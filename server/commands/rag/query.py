"""`ascend rag query`: quotes that answer, and where they stand."""

import json

import click

from server.commands.context.opened import tenant_option
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rag.opened import document_numbers, opened_documents
from server.commands.terminal import say
from server.config.settings import Settings
from tools.builtins.context.rag_questions import citation_row
from tools.context_plane.rag.records import DocumentFilter


@click.command()
@click.argument("question")
@click.option("--limit", type=click.IntRange(1, 20), default=3, show_default=True, help="How many quotes.")
@click.option("--document", "documents", multiple=True, metavar="ID", help="Only from this document; may be given several times.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, question: str, limit: int, documents: tuple[str, ...], tenant: str, as_json: bool) -> None:
    """Answer QUESTION with exact quotes, the best first, each with its document, page and place. No model is asked."""
    wanted = DocumentFilter(document_ids=document_numbers(documents))
    async with opened_documents(settings, tenant) as opened:
        found = await opened.documents.answers.answer(opened.principal, question, wanted, limit, in_prose=False)
    if as_json:
        rows = [citation_row(each) for each in found.citations]
        click.echo(json.dumps({"citations": rows, "low_confidence": found.low_confidence}, indent=2))
        return
    for each in found.citations:
        passage = each.found.passage
        place = f", page {passage.page}" if passage.page else ""
        say(f"[{each.n}] “{' '.join(each.quote.text.split())}”")
        say(f"    {passage.name}{place}, {each.quote.start}-{each.quote.end}")
    if found.low_confidence:
        say("the documents hardly say" if found.citations else "no document says; `ascend rag list` shows which there are")
