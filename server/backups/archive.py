"""The file of a backup: a gzipped tar within an age envelope, its manifest first."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from server.backups.age import AgeReader, AgeWriter
from server.backups.manifest import MAX_BYTES, NAME, Manifest, Member, read_manifest

PIECE_BYTES = 1024 * 1024
#: (bytes so far, bytes in all)
Progress = Callable[[int, int], None]


class ArchiveBroken(Exception):
    """What is inside is not what its manifest says."""


def member_of(name: str, path: Path) -> Member:
    """Return name, size and hash of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Member(name, path.stat().st_size, digest)


def write_archive(
    target: Path, manifest: Manifest, files: Mapping[str, Path], recipients: Sequence[X25519PublicKey], progress: Progress | None = None
) -> None:
    """Write `target` whole or not at all: it has its name when it is on disk to its end."""
    part = target.with_name(f".{target.name}.part")
    total, done = sum(member.bytes for member in manifest.members), 0
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            envelope = AgeWriter(file, recipients)
            # Level 1: six takes three times as long and saves a tenth.
            with (
                gzip.GzipFile(fileobj=_Writable(envelope), mode="wb", compresslevel=1, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                body = manifest.to_json()
                tar.addfile(_info(NAME, len(body)), io.BytesIO(body))
                for member in manifest.members:
                    with files[member.name].open("rb") as source:
                        tar.addfile(_info(member.name, member.bytes), source)
                    done += member.bytes
                    if progress is not None:
                        progress(done, total)
            envelope.close()
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def read_archive(
    source: Path, identities: Sequence[X25519PrivateKey], into: Path | None = None, progress: Progress | None = None
) -> Manifest:
    """Read the whole file, check each member against the manifest, and put them `into` a folder, where one is given.

    Raises NoKeyFits, AgeBroken, ManifestUnreadable, ArchiveBroken.
    """
    with source.open("rb") as file:
        envelope = AgeReader(file, identities)
        try:
            with (
                closing(gzip.GzipFile(fileobj=_Readable(envelope), mode="rb")) as packed,
                tarfile.open(fileobj=packed, mode="r|") as tar,
            ):
                manifest = _members(tar, into, progress)
        except (tarfile.TarError, gzip.BadGzipFile, EOFError) as error:
            raise ArchiveBroken(f"it does not unpack: {error}") from error
        # To the end: the last chunk is what says that nothing is missing.
        while envelope.read(PIECE_BYTES):
            pass
    return manifest


def _members(tar: tarfile.TarFile, into: Path | None, progress: Progress | None) -> Manifest:
    first = tar.next()
    body = tar.extractfile(first) if first is not None and first.name == NAME and first.size <= MAX_BYTES else None
    if body is None:
        raise ArchiveBroken("it does not begin with a manifest")
    manifest = read_manifest(body.read())
    expected = {member.name: member for member in manifest.members}
    total, done = sum(member.bytes for member in manifest.members), 0
    while (info := tar.next()) is not None:
        member = expected.pop(info.name, None)
        content = tar.extractfile(info) if info.isfile() else None
        # Only names that the manifest has, each once: nothing else is ever written.
        if member is None or content is None or "/" in info.name or info.size != member.bytes:
            raise ArchiveBroken(f"it holds {info.name[:80]!r}, which its manifest does not")
        digest = hashlib.sha256()
        out: BinaryIO | None = None if into is None else _new_file(into / info.name)
        with closing(out) if out is not None else closing(io.BytesIO()):
            while piece := content.read(PIECE_BYTES):
                digest.update(piece)
                if out is not None:
                    out.write(piece)
        if digest.hexdigest() != member.sha256:
            raise ArchiveBroken(f"{info.name!r} is not what its manifest says")
        done += member.bytes
        if progress is not None:
            progress(done, total)
    if expected:
        raise ArchiveBroken(f"it misses {', '.join(sorted(expected))}")
    return manifest


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _new_file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Writable(io.RawIOBase):
    """The envelope as gzip writes to it."""

    def __init__(self, envelope: AgeWriter) -> None:
        self._envelope = envelope

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._envelope.write(bytes(data))  # type: ignore[call-overload]  # whatever has a buffer


class _Readable(io.RawIOBase):
    """The envelope as gzip reads from it."""

    def __init__(self, envelope: AgeReader) -> None:
        self._envelope = envelope

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # whatever has a buffer
        found = self._envelope.read(len(view))
        view[: len(found)] = found
        return len(found)
