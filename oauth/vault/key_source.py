"""Where the key-encryption keys come from: a 0600 file made at first start, the environment, or a command."""

import base64
import binascii
import contextlib
import os
import secrets
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from oauth.sealing import KEY_BYTES
from oauth.vault.envelope import Key, kek_of
from oauth.vault.errors import KeyUnavailable

COMMAND_PREFIX = "command:"
COMMAND_TIMEOUT_S = 20


class KeySource(Protocol):
    """The first key wraps; the others open what they wrapped before a rotation."""

    def read(self) -> Sequence[Key]:
        """Return the keys, newest first; never empty. Raises KeyUnavailable."""
        ...

    def rotate(self) -> bool:
        """Put a new key in front. False: the keys come from outside, whoever owns them puts a new one in front."""
        ...

    def drop(self, kek_ids: frozenset[str]) -> None:
        """Forget former keys that wrap nothing any more."""
        ...


class KeyFile:
    """One key in base64 a line, newest first, in a file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Sequence[Key]:
        if not self._path.exists():
            self._make()
        # One check of the open file: what was checked is what is read.
        with self._path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            # The key opens every tenant's secrets, and a backup or another account of this machine must not have it.
            if mode & 0o077:
                raise KeyUnavailable(f"{self._path} has mode {mode:o}, others can read it; run `chmod 600 {self._path}`")
            text = file.read().decode("ascii", "replace")
        return _parsed(text.split(), str(self._path))

    def rotate(self) -> bool:
        self._write([Key("", secrets.token_bytes(KEY_BYTES)), *self.read()])
        return True

    def drop(self, kek_ids: frozenset[str]) -> None:
        newest, *former = self.read()
        self._write([newest, *(key for key in former if key.key_id not in kek_ids)])

    def _make(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._temporary([Key("", secrets.token_bytes(KEY_BYTES))])
        try:
            # link, not rename: two processes at their first start must agree on one key, the first link wins.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, self._path)
            _sync_directory(self._path.parent)
        finally:
            temporary.unlink()

    def _write(self, keys: Sequence[Key]) -> None:
        # rename(2): a crash leaves the old file or the new one, since half a key file loses every secret.
        self._temporary(keys).replace(self._path)
        _sync_directory(self._path.parent)

    def _temporary(self, keys: Sequence[Key]) -> Path:
        # mkstemp makes the file with mode 0600; it is on disk, whole, before it gets its name.
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=".kek-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(base64.b64encode(key.value) + b"\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


class KeyText:
    """Keys given from outside: base64, newest first, separated by commas or spaces, from the environment or a command's output."""

    def __init__(self, text: Callable[[], str], where: str) -> None:
        self._text, self._where = text, where

    def read(self) -> Sequence[Key]:
        return _parsed(self._text().replace(",", " ").split(), self._where)

    def rotate(self) -> bool:
        return False

    def drop(self, kek_ids: frozenset[str]) -> None:
        """Nothing: the owner of the keys removes them."""


def key_source(setting: str | None, data_dir: Path) -> KeySource:
    """Return the source that ASCEND_VAULT_KEK names: keys, `command:…` that prints them, or (unset) the file `vault.kek`."""
    if not setting:
        return KeyFile(data_dir / "vault.kek")
    if setting.startswith(COMMAND_PREFIX):
        words = shlex.split(setting.removeprefix(COMMAND_PREFIX))
        # Never through a shell: the setting is words, and nothing in it is expanded.
        return KeyText(lambda: _output_of(words), "the command of ASCEND_VAULT_KEK")
    return KeyText(lambda: setting, "ASCEND_VAULT_KEK")


def _output_of(words: Sequence[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=True)  # noqa: S603  the operator's own command
    except (OSError, subprocess.SubprocessError) as error:
        # `from None`, and no output: what such a command prints may be a part of the key.
        raise KeyUnavailable(f"the command of ASCEND_VAULT_KEK failed ({type(error).__name__}); run it by hand to see why") from None
    return done.stdout.decode("ascii", "replace")


def _parsed(words: Sequence[str], where: str) -> Sequence[Key]:
    if not words:
        raise KeyUnavailable(f"{where}: no key; give {KEY_BYTES} random bytes in base64 (`openssl rand -base64 {KEY_BYTES}`)")
    try:
        # RFC 4648 §3.3: strict, since a key that was cut or mistyped would only be noticed when nothing opens.
        return [kek_of(base64.b64decode(word, altchars=b"-_" if set(word) & {"-", "_"} else None, validate=True)) for word in words]
    except (binascii.Error, ValueError):
        # The text that did not parse is not repeated: it may be the key but for a character.
        raise KeyUnavailable(f"{where}: not {KEY_BYTES} bytes in base64; make one with `openssl rand -base64 {KEY_BYTES}`") from None


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
