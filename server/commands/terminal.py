"""Lines for a terminal: whatever a document, a server or a person put into a text, it stays text on one line."""

import click

from tools.plain_text import written_out


def say(text: str, *, before: str = "", err: bool = False) -> None:
    """Print one line; control characters and others that nobody sees are written out, so that none of them acts.

    `before` is our own and stays as it is: it may have a colour.
    """
    click.echo(before + written_out(text), err=err)
