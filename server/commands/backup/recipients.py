"""Whom backups are written for, as commands are told."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from server.backups.keys import KeyUnreadable, read_recipient

C = TypeVar("C", bound=Callable[..., object])


def recipient_option(command: C) -> C:
    """Give a command the option --recipient, any number of times."""
    says = "Who can open backups, by a public key of age; without one a recovery key is made."
    return click.option("--recipient", "recipients", multiple=True, metavar="AGE1…", help=says)(command)


def readers_of(recipients: Sequence[str]) -> list[X25519PublicKey]:
    """Return the keys of what was given. Raises click.UsageError."""
    try:
        return [read_recipient(text) for text in recipients]
    except KeyUnreadable as error:
        raise click.UsageError(f"--recipient: {error}") from error
