"""Who can open a backup: a recovery key that the operator keeps elsewhere, and this machine's own, for drills.

A machine whose disk is lost takes its key with it; whoever has the recovery key restores. The gateway itself knows of that one only
whom to write for.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from server.backups.bech32 import decode, encode
from server.config.backup_folder import RECIPIENTS_FILE

MACHINE_KEY_FILE = "backup.key"
_RECIPIENT, _IDENTITY = "age", "age-secret-key-"


class KeyUnreadable(ValueError):
    """A text is no key of age; the message says why, and never holds it."""


@dataclass(frozen=True, slots=True)
class BackupKeys:
    """Whom backups are written for, and what this machine opens them with."""

    recipients: tuple[X25519PublicKey, ...]
    machine: X25519PrivateKey | None


def recipient_text(key: X25519PublicKey) -> str:
    """Return `age1…`."""
    return encode(_RECIPIENT, key.public_bytes_raw())


def identity_text(key: X25519PrivateKey) -> str:
    """Return `AGE-SECRET-KEY-1…`."""
    return encode(_IDENTITY, key.private_bytes_raw()).upper()


def read_recipient(text: str) -> X25519PublicKey:
    """Read `age1…`. Raises KeyUnreadable."""
    return X25519PublicKey.from_public_bytes(_read(text, _RECIPIENT, "a recipient of age begins with age1"))


def read_identity(text: str) -> X25519PrivateKey:
    """Read `AGE-SECRET-KEY-1…`, or a file with one in a line of its own, as age-keygen writes it. Raises KeyUnreadable."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1:
        raise KeyUnreadable("there is not one key in it; a key of age begins with AGE-SECRET-KEY-1")
    return X25519PrivateKey.from_private_bytes(_read(lines[0], _IDENTITY, "a key of age begins with AGE-SECRET-KEY-1"))


def make_keys(data_dir: Path, readers: Sequence[X25519PublicKey] = ()) -> X25519PrivateKey | None:
    """Make a key of this machine, and where no `readers` are named a recovery key, which is returned and kept nowhere here.

    Raises FileExistsError where there are keys already.
    """
    machine = X25519PrivateKey.generate()
    recovery = None if readers else X25519PrivateKey.generate()
    _write_new(data_dir / MACHINE_KEY_FILE, f"{identity_text(machine)}\n")
    keys = [*readers] if recovery is None else [recovery.public_key()]
    lines = [f"# recovery key\n{recipient_text(key)}" for key in keys]
    _write_new(data_dir / RECIPIENTS_FILE, "\n".join([*lines, f"# this machine\n{recipient_text(machine.public_key())}", ""]))
    return recovery


def load_keys(data_dir: Path) -> BackupKeys | None:
    """Return the keys of this data directory; None: `ascend backup init` was never run. Raises KeyUnreadable."""
    path = data_dir / RECIPIENTS_FILE
    if not path.is_file():
        return None
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    recipients = tuple(read_recipient(line) for line in lines if line and not line.startswith("#"))
    if not recipients:
        raise KeyUnreadable(f"{path} names nobody; a backup that nobody can open is none")
    machine = data_dir / MACHINE_KEY_FILE
    return BackupKeys(recipients, read_identity(machine.read_text(encoding="utf-8")) if machine.is_file() else None)


def _write_new(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(text: str, name: str, rule: str) -> bytes:
    try:
        found, data = decode(text.strip())
    except ValueError as error:
        raise KeyUnreadable(f"{rule}; this one does not read: {error}") from error
    if found != name or len(data) != 32:
        raise KeyUnreadable(rule)
    return data
