"""Names of operations: `provider.resource.verb`, from what an API says of itself."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType

from tools.catalog.path_segments import is_parameter, own_segments, pieces_of, segments_of
from tools.catalog.verbs import NOUNS_TOO, VERB_BY_WORD, changes, leads_of, removes, repeats_method, singular, snake, spoken_in, words_of

#: of two operations that ask for one id, the one whose method comes first here keeps it; others come last
METHOD_ORDER = ("get", "patch", "put", "post", "delete", "head", "options", "trace")
SEARCHES = frozenset({"search", "count", "export", "query", "lookup"})
READS = frozenset({"get", "list", "search", "find", "count", "check", "fetch", "read", "retrieve", "show", "describe", "view", "download"})
_UPDATES = frozenset({"update", "edit", "modify", "replace", "set", "patch", "put"})
NOISE = frozenset({"page", "do", "all", "one", "many", "new"})
MAX_RESOURCE_SEGMENTS = 3
MAX_QUALIFIER_WORDS = 4
#: what clients show whole and other systems take as a name
GOOD_NAME_CHARS = 64
MAX_NAME_CHARS = 120


@dataclass(frozen=True, slots=True)
class Naming:
    """What an operation is named after."""

    method: str
    path: str
    operation_id: str | None = None
    answers_list: bool = False
    #: what the document says of it: its summary, else how its description begins
    summary: str = ""


@dataclass(frozen=True, slots=True)
class _Parts:
    resource: tuple[str, ...]
    verb: str


def name_operations(provider: str, operations: Sequence[Naming], kept: Mapping[int, str] = MappingProxyType({})) -> list[str]:
    """Return one id for each of `operations`, in their order, all different; `kept` are the ids that some have already, by position.

    An id follows from the operation's own path, method and operationId, so that a re-import with more operations renames
    none. Where two ask for the same id, the one that comes first by method and path keeps it, whatever the document's order.
    """
    root = shared_root([operation.path for operation in operations])
    parts = [_parts_of(operation, root) for operation in operations]
    wanted: dict[str, list[int]] = defaultdict(list)
    names: dict[int, str] = dict(kept)
    taken = set(names.values())
    for position, part in enumerate(parts):
        name = _short(provider, part)
        if position not in names and name not in taken:
            wanted[name].append(position)
    for name, positions in wanted.items():
        names[min(positions, key=lambda position: _rank(operations[position]))] = name
        taken.add(name)
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for position in sorted(set(range(len(operations))) - set(names), key=lambda position: _rank(operations[position])):
        names[position] = _free(provider, operations[position], parts[position], taken, numbers)
        taken.add(names[position])
    return [names[position] for position in range(len(operations))]


def shared_root(paths: Iterable[str]) -> str | None:
    """Return the first path segment where nearly all paths begin with it (`Accounts` in `/Accounts/{Sid}/Calls`), else None."""
    firsts = [segments[0] for path in paths if len(segments := segments_of(path)) > 1]
    for first in dict.fromkeys(firsts):
        if len(firsts) >= 20 and firsts.count(first) >= 0.8 * len(firsts):
            return first
    return None


def _parts_of(operation: Naming, root: str | None) -> _Parts:
    """Return what is done to what, each word said once."""
    part = _fitting(_read(operation, root), operation)
    resource = tuple(piece for position, piece in enumerate(part.resource) if part.resource[position - 1 : position] != (piece,))
    words = part.verb.split("_")
    words = [word for position, word in enumerate(words) if words[position - 1 : position] != [word]]
    verb = "_".join(words)
    if resource and resource[-1] == words[0]:
        # `labels.unassign.unassign`, `commit.commit_image`
        return _Parts(resource[:-1], verb) if len(resource) > 1 or len(words) == 1 else _Parts(("_".join(words[1:]),), words[0])
    if resource and resource[-1].endswith(f"_{verb}"):
        resource = (*resource[:-1], resource[-1].removesuffix(f"_{verb}"))
    return _Parts(resource, verb)


def _read(operation: Naming, root: str | None) -> _Parts:
    segments = segments_of(operation.path)
    literals = own_segments([segment for segment in segments if not is_parameter(segment)])
    if root and len(literals) > 1 and literals[0] == root:
        literals = literals[1:]
    pieces = [piece for segment in literals for piece in pieces_of(segment)]
    ends_in_parameter = bool(segments) and is_parameter(segments[-1])
    fragment = snake(operation.path.partition("#")[2])
    called = _called(operation)
    if fragment and pieces:
        # Documents give one path several operations by a fragment: /files/{id}#add_shared_link.
        return _Parts(tuple(pieces), fragment)
    if called and ((segments[:1] and segments[0].startswith("{")) or "." in operation.path.partition("?")[2]):
        # /v1/{name}:disable says nothing of what it is about; its operationId `secretmanager.projects.secrets.disable` does.
        return called
    if literals and re.search(r"[.:]", literals[-1]) and len(pieces) > 1:
        # Remote-procedure style: /chat.postMessage, /files/{id}:copy.
        return _Parts(tuple(pieces[:-1]), pieces[-1])
    words = [word for part in spoken_in(operation.operation_id or "") for word in part]
    if not pieces or (len(pieces) == 1 and not ends_in_parameter and _is_told(pieces[0], words, operation.method)):
        return _told(pieces[0].split("_") if pieces else words, operation.method)
    if not ends_in_parameter and (pieces[-1] in SEARCHES or (len(pieces) > 1 and _is_action(pieces[-1], operation.method))):
        # An action as the last segment: POST /orders/{id}/cancel, GET /pets/findByStatus.
        return _Parts(tuple(pieces[:-1]), pieces[-1])
    verb, qualifier = _spoken(words, operation, pieces)
    verb = verb or _by_method(operation, ends_in_parameter)
    if verb == "get" and operation.answers_list and not ends_in_parameter:
        verb = "list"
    return _Parts(tuple(pieces), "_".join([verb, *qualifier]))


def _fitting(part: _Parts, operation: Naming) -> _Parts:
    """Return `part` with a verb that its method can mean: no DELETE pins, and no GET adds unless the document says so."""
    done, method = done_by(part.verb), operation.method
    said = [word for spoken in spoken_in(operation.operation_id or "") for word in spoken]
    leads = leads_of(operation.summary)
    if method == "delete" and not removes(done):
        verb = next((word for word in [*said, *leads] if removes(word)), "delete")
    elif method == "get" and changes(done) and done not in leads and not _is_opened_by(done, said, operation):
        verb = _by_method(operation, ends_in_parameter=False)
    elif method in ("put", "patch") and done not in _UPDATES | set(leads) and _UPDATES.intersection(leads):
        verb = "update"
    else:
        return part
    literals = [segment for segment in segments_of(operation.path) if not is_parameter(segment)]
    is_thing = bool(literals) and pieces_of(literals[-1])[-1:] == [part.verb]
    return _Parts((*part.resource, part.verb) if is_thing else part.resource, verb)


def _is_opened_by(verb: str, said: Sequence[str], operation: Naming) -> bool:
    """Say whether an operationId begins with this verb, which is no thing of the path: `invite_resolve` of an invite only reads."""
    return list(said[:1]) == [verb] and verb not in {singular(word) for word in words_of(operation.path) if singular(word) != word}


def done_by(verb: str) -> str:
    """Return the word of a verb in a name that says what is done: `batch_delete_images` deletes."""
    words = verb.split("_")
    return words[1] if len(words) > 1 and words[0] in ("batch", "bulk", "do", "async") else words[0]


def _told(words: list[str], method: str) -> _Parts:
    """Return what words alone say: `batch_delete_images` -> images, batch_delete."""
    if len(words) > 1 and words[0] == method and (method not in ("get", "delete") or repeats_method(method, words[1])):
        # `POST_CreateImage` only repeats the method.
        words = words[1:]
    length = 2 if len(words) > 2 and words[0] in ("batch", "bulk") and words[1] in VERB_BY_WORD else 1
    if len(words) > length and words[0] in VERB_BY_WORD:
        return _Parts(("_".join(words[length:]),), "_".join(words[:length]))
    return _Parts((), "_".join(words) or method)


def _is_told(piece: str, words: list[str], method: str) -> bool:
    """Say whether the only segment of a path is verb and thing, as in /send-message, and no thing alone, as /upload-url is."""
    first, _, rest = piece.partition("_")
    return bool(rest) and _is_action(piece, method) and (first not in NOUNS_TOO or "_".join(words) == piece)


def _called(operation: Naming) -> _Parts | None:
    """Return what a dotted name says: an operationId `service.things.verb`, or the method in a query (`?method=a.b.getThing`)."""
    in_query = re.search(r"=([A-Za-z]+(?:\.[A-Za-z]+){2,})$", operation.path.partition("?")[2])
    named = in_query[1] if in_query else operation.operation_id or ""
    pieces = [snake(piece) for piece in named.split(".")]
    if len(pieces) < 3 or not all(pieces):
        return None
    verb = VERB_BY_WORD.get(pieces[-1], pieces[-1])
    return _Parts(tuple(pieces[1:-1]), "update" if verb == "patch" else verb)


def _spoken(words: list[str], operation: Naming, pieces: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the verb that an operationId names, and the words of it that path and parameters do not already say."""
    position = _verb_at(operation)
    if position is None:
        return None, []
    verb, rest = VERB_BY_WORD[words[position]], words[:position] + words[position + 1 :]
    if 0 < position < len(words) - 1:
        # Of `issues/list-for-repo` the verb is enough; the rest tells apart where that is needed.
        rest = []
    if verb in METHOD_ORDER and verb not in ("get", "delete"):
        # `post_files_content` only repeats the method.
        return None, []
    known = {singular(word) for word in words_of(operation.path)} | {"id", "ids", "by", "a", "an", "the", "for", "all", "of", "to", "in"}
    known |= {singular(word) for piece in pieces for word in piece.split("_")} | {"api", operation.method}
    joined = "".join(singular(word) for word in words_of(operation.path))
    said = [
        word for word in rest if word not in NOISE and singular(word) not in known and singular(word) not in joined and not word.isdigit()
    ]
    if not said or len(said) > MAX_QUALIFIER_WORDS:
        return verb, []
    kept = [word for word in rest if word in said or word in ("by", "for", "to")]
    while kept and kept[-1] in ("by", "for", "to"):
        kept.pop()
    return verb, kept


def _verb_at(operation: Naming) -> int | None:
    """Return which word of the operationId says what is done: the first of a part, or the last of all."""
    parts = spoken_in(operation.operation_id or "")
    words = [word for part in parts for word in part]
    starts = [sum(map(len, parts[:position])) for position in range(len(parts))]
    places = [place for place in (*starts, len(words) - 1) if words and words[place] in VERB_BY_WORD]
    if operation.method == "get":
        # `StopPoint_GetModes` and `StopPoint_Crowding` stop nothing: the verb of a GET reads, unless it only names a thing.
        things = [piece.partition("_")[0] for piece in map(snake, segments_of(operation.path)) if "_" in piece]
        places = [place for place in places if words[place] in READS] or [place for place in places if words[place] not in things]
    return places[0] if places else None


def _is_action(piece: str, method: str) -> bool:
    """Say whether a path segment is a verb (`cancel`, `find_by_status`) and no thing (`upload_sessions`)."""
    first, *rest = piece.split("_")
    if first not in VERB_BY_WORD:
        return False
    if not rest:
        return method in ("post", "put")
    return first not in NOUNS_TOO or not rest[-1].endswith("s")


def _by_method(operation: Naming, ends_in_parameter: bool) -> str:
    if operation.method == "get":
        return "get" if ends_in_parameter or not operation.answers_list else "list"
    return {"post": "update" if ends_in_parameter else "create", "put": "update", "patch": "update"}.get(operation.method, operation.method)


def _free(provider: str, operation: Naming, part: _Parts, taken: Collection[str], numbers: Mapping[str, Iterator[int]]) -> str:
    """Return a name for an operation whose first choice is taken: the first free one, if possible not a long one."""
    if names := [name for name in _others(provider, operation, part) if name not in taken]:
        return next((name for name in names if len(name) <= GOOD_NAME_CHARS), names[0])
    numbered = (_join(provider, part.resource, f"{part.verb}_{number}") for number in numbers[_short(provider, part)])
    return next(name for name in numbered if name not in taken)


def _others(provider: str, operation: Naming, part: _Parts) -> Iterator[str]:
    """Yield further names for an operation, ever longer."""
    short, verb = part.resource[-MAX_RESOURCE_SEGMENTS:], part.verb
    yield _join(provider, part.resource, verb)
    spoken = VERB_BY_WORD.get((words_of(operation.summary) or [""])[0], verb)
    if operation.method not in ("get", "delete") and spoken not in ("get", "list", verb):
        yield _short(provider, _Parts(part.resource, spoken))
    if operation.method == "put" and verb == "update":
        yield _short(provider, _Parts(part.resource, "replace"))
    parameters = [snake(name) for name in re.findall(r"\{([^{}]+)\}", operation.path)]
    if parameters:
        yield _short(provider, _Parts(part.resource, f"{verb}_by_{parameters[-1]}"))
        yield _join(provider, short, f"{verb}_by_{'_'.join(parameters)}")
        yield _join(provider, part.resource, f"{verb}_by_{'_'.join(parameters)}")
    last = (spoken_in(operation.operation_id or "") or [[]])[-1]
    if len(last) > 1 and last[0] in VERB_BY_WORD:
        yield _join(provider, short, "_".join([VERB_BY_WORD[last[0]], *last[1:]]))
    said = [snake(value) for value in re.findall(r"=([A-Za-z][\w.-]*)", operation.path.partition("?")[2])]
    if said:
        yield _join(provider, short, f"{verb}_{'_'.join(said)}")
    if verb != operation.method:
        yield _join(provider, short, f"{verb}_{operation.method}")
    if operation.operation_id:
        yield _join(provider, (), snake(operation.operation_id))


def _short(provider: str, part: _Parts) -> str:
    """Return the name of at most three resource segments, fewer where it would be long: its last ones say what it is about."""
    resource, verb = part.resource, part.verb
    windows = [resource] if len(resource) <= MAX_RESOURCE_SEGMENTS else [(resource[0], *resource[-(MAX_RESOURCE_SEGMENTS - 1) :])]
    windows += [(resource[0], resource[-1]), resource[-2:], resource[-1:]] if len(resource) > 1 else []
    names = [_join(provider, window, verb) for window in windows]
    return next((name for name in names if len(name) <= GOOD_NAME_CHARS), names[-1])


def _join(provider: str, resource: Iterable[str], verb: str) -> str:
    name = ".".join([provider, *resource, verb])
    if len(name) <= MAX_NAME_CHARS:
        return name
    return f"{name[: MAX_NAME_CHARS - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _rank(operation: Naming) -> tuple[int, int, str, str]:
    order = (*METHOD_ORDER, operation.method).index(operation.method)
    return (order, operation.path.count("/"), operation.path, operation.operation_id or "")
