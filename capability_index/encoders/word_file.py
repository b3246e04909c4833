"""The words of a table as arrays: of a folder, or of the installed `wordllama` distribution, read without importing it.

Those of the distribution are kept as one file that is mapped: they cost only the memory of the rows that are read, which all
processes share; the distribution's own files would have to be read and converted at every start.
"""

import hashlib
import importlib.util
import json
import mmap
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.manifest import Manifest, shipped
from capability_index.encoders.whole_words import WholeWords
from capability_index.encoders.word_pieces import WordPieces
from capability_index.errors import EncoderUnavailable

_NAME = "words.table"
#: raised whenever the file below changes its form
_FORMAT = 1
_ALIGN = 64
_ROWS = 4_096


@dataclass(frozen=True, slots=True)
class Words:
    """`codes` (n, d) times `scales` (n,) are the vectors of the tokens that `pieces` gives."""

    pieces: WordPieces | WholeWords
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]


def word_files() -> tuple[Path, Path]:
    """Return where the distribution has its weights and its tokens. Raises EncoderUnavailable."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise EncoderUnavailable("the word table is missing; install the distribution wordllama, or search by words alone")
    manifest, folder = shipped(), Path(spec.origin).parent
    return folder / manifest.vectors, folder / manifest.vocabulary_file


def load_words(directory: Path | None) -> Words:
    """Return the words, mapped from a file in `directory` that is made where it is missing or old. Raises EncoderUnavailable."""
    weights, tokens = word_files()
    try:
        source = [[file.stat().st_size, file.stat().st_mtime_ns] for file in (weights, tokens)]
        if directory is None:
            return Words(*_read(weights, tokens))
        kept = _mapped(directory / _NAME, source)
        if kept is None:
            _keep(Words(*_read(weights, tokens)), directory, source)
            kept = _mapped(directory / _NAME, source)
        # A directory that cannot be written costs memory, not the search.
        return kept or Words(*_read(weights, tokens))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderUnavailable(f"the word table does not load ({error}); reinstall the distribution wordllama") from error


def load_folder(folder: Path, manifest: Manifest) -> Words:
    """Return the words of a table of whole words, mapped as it lies in `folder`.

    Raises EncoderUnavailable where they are not the files of the manifest.
    """
    vectors, vocabulary = folder / manifest.vectors, folder / manifest.vocabulary_file
    try:
        for path, expected in ((vectors, manifest.sha256), (vocabulary, manifest.vocabulary_sha256)):
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    raise EncoderUnavailable(f"{path} is not the file that the manifest of {manifest.name} names; its sha256 is another")
        lines = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
        content = np.memmap(vectors, np.uint8, "r")
        head_bytes = int(content[:8].view("<u8")[0])
        head = json.loads(content[8 : 8 + head_bytes].tobytes())

        def array(name: str, kind: str) -> NDArray[Any]:
            start, end = (8 + head_bytes + offset for offset in head[name]["data_offsets"])
            return content[start:end].view(kind).reshape(head[name]["shape"])

        return Words(WholeWords({line: at for at, line in enumerate(lines)}), array("codes", "i1"), array("scales", "<f4"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderUnavailable(f"the word table in {folder} does not load ({error})") from error


def _read(weights: Path, tokens: Path) -> tuple[WordPieces, NDArray[np.int8], NDArray[np.float32]]:
    model = json.loads(tokens.read_bytes())["model"]
    ids: dict[str, int] = model["vocab"]
    pairs = [merge.split(" ") for merge in model["merges"]]
    keys = np.fromiter((ids[left] << 16 | ids[right] for left, right in pairs), np.uint32, len(pairs))
    merged = np.fromiter((rank << 16 | ids[left + right] for rank, (left, right) in enumerate(pairs)), np.uint32, len(pairs))
    order = np.argsort(keys)
    pieces = WordPieces({piece: number for piece, number in ids.items() if len(piece) == 1}, keys[order], merged[order])
    content = np.memmap(weights, np.uint8, "r")
    head_bytes = int(content[:8].view("<u8")[0])
    head = json.loads(content[8 : 8 + head_bytes].tobytes())["embedding.weight"]
    if head["dtype"] != "F16":
        raise ValueError(f"weights of type {head['dtype']}, not F16")
    start, end = (8 + head_bytes + offset for offset in head["data_offsets"])
    return pieces, *int8_rows(content[start:end].view("<f2").reshape(head["shape"]))


def int8_rows(rows: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return `rows` as int8 and the scale of each: a row is its codes times its scale, to within half a scale."""
    codes, scales = np.empty(rows.shape, np.int8), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _ROWS):
        chunk = rows[start : start + _ROWS].astype(np.float32)
        top = np.abs(chunk).max(axis=1)
        top[top == 0] = 1
        codes[start : start + _ROWS] = np.rint(chunk * (127 / top)[:, None])
        scales[start : start + _ROWS] = top / 127
    return codes, scales


def _keep(words: Words, directory: Path, source: object) -> None:
    """Write `words` so that the file is never seen half."""
    pieces = words.pieces
    if not isinstance(pieces, WordPieces):
        return
    character_ids = np.fromiter(pieces.id_by_character.values(), np.uint32, len(pieces.id_by_character))
    arrays: dict[str, NDArray[Any]] = {"codes": words.codes, "scales": words.scales, "character_ids": character_ids}
    arrays |= {"keys": pieces.keys, "merged": pieces.merged}
    body = b"".join(array.tobytes() + bytes(-array.nbytes % _ALIGN) for array in arrays.values())
    shapes = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
    head = {"format": _FORMAT, "source": source, "sum": zlib.crc32(body), "characters": "".join(pieces.id_by_character), "arrays": shapes}
    text = json.dumps(head).encode()
    unfinished = directory / f"{_NAME}.{os.getpid()}.new"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text + bytes(-(8 + len(text)) % _ALIGN) + body)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(directory / _NAME)
    except OSError:
        with suppress(OSError):  # Perhaps there is no directory even.
            unfinished.unlink()


def _mapped(path: Path, source: object) -> Words | None:
    """Return the words that `path` keeps of this very distribution; None where it does not."""
    try:
        with path.open("rb") as file:
            text = file.read(int.from_bytes(file.read(8), "little"))
            head = json.loads(text)
            if (head["format"], head["source"]) != (_FORMAT, source):
                return None
            start = -(-file.tell() // _ALIGN) * _ALIGN
            file.seek(start)
            # Read and not through the map: what was looked at there would stay in memory.
            total = 0
            while chunk := file.read(1 << 18):
                total = zlib.crc32(chunk, total)
            if total != head["sum"]:
                return None
            return _unpacked(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), start, head)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError):
        return None


def _unpacked(content: mmap.mmap, start: int, head: Mapping[str, Any]) -> Words:
    arrays: dict[str, NDArray[Any]] = {}
    for name, (kind, shape) in head["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, np.dtype(kind), count, start).reshape(shape)
        start += -(-arrays[name].nbytes // _ALIGN) * _ALIGN
    characters = dict(zip(head["characters"], arrays["character_ids"].tolist(), strict=True))
    return Words(WordPieces(characters, arrays["keys"], arrays["merged"]), arrays["codes"], arrays["scales"])
