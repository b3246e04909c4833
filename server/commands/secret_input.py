"""A secret on standard input: piped in, or typed unseen where a person sits at a terminal."""

import signal
import sys

import click


def read_secret(what: str) -> str:
    """Return one line of standard input; a person is asked for `what`, and nothing of the answer is shown."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    # The event loop would keep Ctrl-C until the line is typed.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return str(click.prompt(what, hide_input=True, err=True))
    finally:
        signal.signal(signal.SIGINT, handler)


def read_secret_file(what: str) -> str:
    """Return all of standard input: what has several lines is piped in, not typed."""
    if sys.stdin.isatty():
        raise click.UsageError(f"{what} has several lines; pipe it in, like `… < private-key.pem`")
    return sys.stdin.read().rstrip("\r\n")
