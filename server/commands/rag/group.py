"""`ascend rag`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "add": ("rag.add", "Take in files, folders or URLs."),
    "list": ("rag.list_documents", "List documents and their status."),
    "search": ("rag.search", "Find the passages that fit a question."),
    "query": ("rag.query", "Answer a question with quotes and where they stand."),
    "delete": ("rag.delete", "Delete documents with all that was made of them."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Documents that questions are answered from, with citations.

    Start with `ascend rag add handbook.pdf`, then `ascend rag query "how much notice does a tenant give?"`. Agents do the same with the
    operations rag_upload, rag_search and rag_query.
    """
