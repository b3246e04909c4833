"""Save and load the index: a file for each part, and a manifest of hashes that is swapped in last.

A crash at any moment leaves the old manifest with its files, or the new one with its. Parts are immutable, so a save writes
only those that the directory does not hold yet; loading maps them, so that rows nobody reads cost no memory.
"""

import fcntl
import hashlib
import json
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capability_index.analysis import Analysis
from capability_index.corpora import CORPORA
from capability_index.errors import SnapshotInvalid
from capability_index.lexical import Postings
from capability_index.operations import Names, Operations, Slugs
from capability_index.part import Segment, Shard
from capability_index.ragged import Ragged
from capability_index.ranking.query_expansion import Neighbours
from capability_index.segment import TenantIndex
from capability_index.shapes import Shapes
from capability_index.texts.evidence import Evidence
from capability_index.vectors import CodedMatrix, Matrix

#: raised whenever text becomes words or vectors in another way: an older snapshot is then rebuilt
FORMAT = 7
MANIFEST = "manifest.json"
#: the model of an index without vectors
WORDS_ONLY = "words"
_ALIGN = 64
_SPACE, _CODED = "space:", "coded:"


def save(segments: Mapping[str, TenantIndex], directory: Path, model: str) -> None:
    """Write `segments` to `directory`, in one step as seen by `load`. `model` names the space of the vectors."""
    directory.mkdir(parents=True, exist_ok=True)
    with saving_turn(directory):
        _save(segments, directory, model)


def _save(segments: Mapping[str, TenantIndex], directory: Path, model: str) -> None:
    listed = {name: [_save_shard(shard, directory) for shard in segment.shards] for name, segment in segments.items()}
    body = json.dumps({"format": FORMAT, "model": model, "segments": listed}, sort_keys=True).encode()
    _write_whole(directory / MANIFEST, [json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode(), b"\n", body])
    kept = {entry["file"] for entries in listed.values() for entry in entries}
    for path in directory.glob("*.part"):
        if path.name not in kept:
            path.unlink()


def load(directory: Path, model: str) -> dict[str, TenantIndex]:
    """Return the saved segments, mapped from disk. Raises SnapshotInvalid: absent, damaged, or of another model or format."""
    path = directory / MANIFEST
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        manifest = json.loads(body)
        intact = json.loads(head)["sha256"] == hashlib.sha256(body).hexdigest()
    except FileNotFoundError as error:
        raise SnapshotInvalid(f"no index in {directory}; build one with `ascend index build`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotInvalid(f"{path}: not a manifest; build the index anew") from error
    if not intact:
        raise SnapshotInvalid(f"{path}: damaged; build the index anew")
    if (manifest["format"], manifest["model"]) != (FORMAT, model):
        raise SnapshotInvalid(f"{path}: made for {manifest['model']}, format {manifest['format']}; build the index anew")
    parts: dict[str, Segment] = {}
    return {
        name: TenantIndex(tuple(_load_shard(entry, directory, parts) for entry in entries))
        for name, entries in manifest["segments"].items()
    }


def _save_shard(shard: Shard, directory: Path) -> dict[str, Any]:
    pieces = _packed(shard.part)
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
    digest = hasher.hexdigest()
    path = directory / f"{digest[:32]}.part"
    if not path.is_file():
        _write_whole(path, pieces)
    dead = [] if shard.alive is None else np.flatnonzero(~shard.alive).tolist()
    return {"file": path.name, "sha256": digest, "dead": dead}


def _load_shard(entry: Mapping[str, Any], directory: Path, parts: dict[str, Segment]) -> Shard:
    name = str(entry["file"])
    if name not in parts:
        try:
            with (directory / name).open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise SnapshotInvalid(f"{directory / name}: missing or empty; build the index anew") from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise SnapshotInvalid(f"{directory / name}: damaged; build the index anew")
        parts[name] = _unpacked(memoryview(content))
    if not entry["dead"]:
        return Shard.of(parts[name])
    return Shard.of(parts[name]).without(entry["dead"])


def _packed(part: Segment) -> list[bytes | memoryview]:
    """Return the file of a part in pieces, none of them copied: a JSON head that says where each array lies, then the arrays."""
    arrays = _arrays(part)
    places, end = {}, 0
    for name, array in arrays.items():
        places[name] = [end, array.dtype.str, list(array.shape)]
        end += -(-array.nbytes // _ALIGN) * _ALIGN
    terms, words, groups = list(part.postings.term_ids), list(part.postings.words), part.operations.groups
    head = json.dumps(
        {"analysis": [part.analysis.name, *part.analysis.columns], "places": places, "groups": groups, "terms": terms, "words": words}
    ).encode()
    pieces: list[bytes | memoryview] = [len(head).to_bytes(8, "little"), head, b" " * (-(8 + len(head)) % _ALIGN)]
    for array in arrays.values():
        if array.size:
            pieces += [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, bytes(-array.nbytes % _ALIGN)]
    return pieces


def _arrays(part: Segment) -> dict[str, NDArray[Any]]:
    """Return the arrays of a part by name; those that only some corpora have are left out where they are empty."""
    postings, held, evidence = part.postings, part.operations, part.evidence
    arrays: dict[str, NDArray[Any]] = {
        "ids": part.ids,
        "id_order": part.id_order,
        "columns": part.columns,
        "lengths": part.lengths,
        "starts": postings.starts,
        "rows": postings.rows,
        "weights": postings.weights,
        "counts": postings.counts,
    }
    if len(held):
        arrays |= {
            "slugs": np.frombuffer(held.slugs.data, np.uint8),
            "slug_ends": held.slugs.ends,
            "digests": held.digests,
            "group_ids": held.group_ids,
            "name_tokens": held.names.tokens.values,
            "name_ends": held.names.tokens.ends,
            "name_scales": held.names.scales,
            "shape_kinds": held.shapes.kinds,
            "shape_families": held.shapes.families,
            "shape_flags": held.shapes.flags,
            "shape_nouns": held.shapes.nouns,
            "shape_parameters": held.shapes.parameters,
        }
    if len(evidence.codes.ends):
        arrays |= {"sentences": evidence.codes.values, "sentence_ends": evidence.codes.ends, "sentence_scales": evidence.scales}
        arrays |= {"pairs": evidence.pairs.values, "pair_ends": evidence.pairs.ends}
    for model, matrix in part.matrices.items():
        if isinstance(matrix, CodedMatrix):
            fields: dict[str, NDArray[Any]] = {"codes": matrix.codes, "scales": matrix.scales, "head": matrix.head, "axes": matrix.axes}
            arrays.update((f"{_CODED}{field}:{model}", array) for field, array in fields.items())
        else:
            arrays[f"{_SPACE}{model}"] = matrix.rows
    if part.neighbours is not None:
        arrays |= {"word_terms": part.neighbours.term_ids, "word_vectors": part.neighbours.vectors}
    return arrays


def _unpacked(content: memoryview) -> Segment:
    head_bytes = int.from_bytes(content[:8], "little")
    head = json.loads(bytes(content[8 : 8 + head_bytes]))
    origin = -(-(8 + head_bytes) // _ALIGN) * _ALIGN
    places = head["places"]

    def array(name: str) -> NDArray[Any]:
        start, kind, shape = places[name]
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(content, np.dtype(kind), count, origin + start).reshape(shape)

    operations, evidence = Operations.none(), Evidence.none()
    if "slugs" in places:
        start, _, (slug_bytes,) = places["slugs"]
        operations = Operations(
            slugs=Slugs(content[origin + start : origin + start + slug_bytes], array("slug_ends")),
            digests=array("digests"),
            groups=tuple(head["groups"]),
            group_ids=array("group_ids"),
            names=Names(Ragged(array("name_tokens"), array("name_ends")), array("name_scales")),
            shapes=Shapes(*(array(f"shape_{name}") for name in ("kinds", "families", "flags", "nouns", "parameters"))),
        )
    if "sentences" in places:
        codes, pairs = Ragged(array("sentences"), array("sentence_ends")), Ragged(array("pairs"), array("pair_ends"))
        evidence = Evidence(codes, array("sentence_scales"), pairs)
    terms: Sequence[str] = head["terms"]
    term_ids = {term: at for at, term in enumerate(terms)}
    matrices: dict[str, Matrix | CodedMatrix] = {}
    for name in places:
        if name.startswith(_SPACE):
            matrices[name.removeprefix(_SPACE)] = Matrix.of(array(name))
        elif name.startswith(f"{_CODED}codes:"):
            model = name.removeprefix(f"{_CODED}codes:")
            matrices[model] = CodedMatrix(*(array(f"{_CODED}{field}:{model}") for field in ("codes", "scales", "head", "axes")))
    return Segment(
        analysis=_analysis(head["analysis"]),
        ids=array("ids"),
        id_order=array("id_order"),
        columns=array("columns"),
        lengths=array("lengths"),
        postings=Postings(term_ids, head["words"], array("starts"), array("rows"), array("weights"), array("counts")),
        matrices=MappingProxyType(matrices),
        evidence=evidence,
        operations=operations,
        neighbours=Neighbours(array("word_terms"), array("word_vectors")) if "word_terms" in places else None,
    )


def _analysis(said: Sequence[str]) -> Analysis:
    """Return the analysis of this name, whose columns are the same as when the part was written."""
    known = CORPORA.get(said[0])
    if known is None or list(known.columns) != said[1:]:
        raise SnapshotInvalid(f"a part of {said[0]} has other columns than it has now; build the index anew")
    return known


@contextmanager
def saving_turn(directory: Path) -> Iterator[None]:
    """Wait for another process that saves here: it must not sweep away parts that this one has written but not listed yet."""
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_whole(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file so that `path` never holds half of it, also after a power cut."""
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
