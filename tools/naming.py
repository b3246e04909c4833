"""Names of operations: `provider.resource.verb`, from what an API says of itself."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_VERBS = """
get list create update delete search find add remove set send upload download start stop cancel archive unarchive restore copy move merge
revoke refresh query export import enable disable approve deny reject accept open close activate deactivate invite join leave publish
unpublish lock unlock sync validate verify test check count assign unassign attach detach link unlink subscribe unsubscribe replace patch
put post execute run trigger submit complete commit abort transfer convert render preview resend reset rename rotate watch unwatch follow
unfollow star unstar pin unpin mute unmute authorize upsert lookup batch bulk purge generate pause resume retry schedule share mark apply
clone fork ask extract confirm decline reopen resolve terminate capture refund void finalize pay promote
invalidate acknowledge suspend escalate login logout trim sign claim ban unban block unblock reply react forward redeem authenticate
"""
_NOUNS_TOO = """
upload download export import batch test check share query search link schedule copy transfer set watch run count pin star mark index bulk
view open post put match review set show sign claim pay block reply reset
"""
#: verbs that begin the names of things as well: `upload_sessions`, `test_runs`
NOUNS_TOO = frozenset(_NOUNS_TOO.split())
#: verbs as APIs write them -> the verb in our names
VERB_BY_WORD = {
    **{word: word for word in _VERBS.split()},
    "fetch": "get",
    "read": "get",
    "retrieve": "get",
    "show": "get",
    "describe": "get",
    "view": "get",
    "index": "list",
    "browse": "list",
    "destroy": "delete",
    "edit": "update",
    "modify": "update",
    "insert": "create",
    "new": "create",
}
VERSION_SEGMENT = re.compile(r"v?\d+([._]\d+)*(beta|alpha)?\d*|\d{4}-\d{2}-\d{2}|api|rest|latest|index", re.IGNORECASE)
#: of two operations that ask for one id, the one whose method comes first here keeps it
METHOD_ORDER = ("get", "patch", "put", "post", "delete", "head", "options", "trace")
SEARCHES = frozenset({"search", "count", "export", "query", "lookup"})
NOISE = frozenset({"page", "do", "all", "one", "many", "new"})
MAX_RESOURCE_SEGMENTS = 3
MAX_QUALIFIER_WORDS = 4
MAX_NAME_CHARS = 120


@dataclass(frozen=True, slots=True)
class Naming:
    """What an operation is named after. `parameters` are the names of its path parameters."""

    method: str
    path: str
    operation_id: str | None = None
    answers_list: bool = False
    summary: str = ""


@dataclass(frozen=True, slots=True)
class _Parts:
    resource: tuple[str, ...]
    verb: str


def words_of(name: str) -> list[str]:
    """Return the lower-case words of a snake_case, kebab-case, dotted, camelCase or HTTPServerName name."""
    spaced = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name)
    spaced = re.sub(r"([a-z\d])([A-Z])", r"\1 \2", spaced)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def snake(name: str) -> str:
    return "_".join(words_of(name))


def name_operations(provider: str, operations: Sequence[Naming]) -> list[str]:
    """Return one id for each of `operations`, in their order, all different.

    An id follows from the operation's own path, method and operationId, so that a re-import with more operations renames
    none. Where two ask for the same id, the one that comes first by method and path keeps it, whatever the document's order.
    """
    root = shared_root([operation.path for operation in operations])
    parts = [_parts_of(operation, root) for operation in operations]
    wanted: dict[str, list[int]] = defaultdict(list)
    for position, part in enumerate(parts):
        wanted[_join(provider, _short(part.resource), part.verb)].append(position)
    names: dict[int, str] = {}
    for name, positions in wanted.items():
        names[min(positions, key=lambda position: _rank(operations[position]))] = name
    taken = set(names.values())
    for position in sorted(set(range(len(operations))) - set(names), key=lambda position: _rank(operations[position])):
        names[position] = next(name for name in _others(provider, operations[position], parts[position]) if name not in taken)
        taken.add(names[position])
    return [names[position] for position in range(len(operations))]


def shared_root(paths: Iterable[str]) -> str | None:
    """Return the first path segment where nearly all paths begin with it (`Accounts` in `/Accounts/{Sid}/Calls`), else None."""
    firsts = [segments[0] for path in paths if len(segments := _segments(path)) > 1]
    for first in dict.fromkeys(firsts):
        if len(firsts) >= 20 and firsts.count(first) >= 0.8 * len(firsts):
            return first
    return None


def _parts_of(operation: Naming, root: str | None) -> _Parts:
    segments = _segments(operation.path)
    literals = [segment for segment in segments if not _is_parameter(segment)]
    if root and len(literals) > 1 and literals[0] == root:
        literals = literals[1:]
    pieces: list[str] = []
    for segment in literals:
        spoken = re.sub(r"\{[^}]*\}", "", segment)
        pieces += [snake(piece) for piece in re.split(r"[.:]", spoken) if snake(piece)]
    ends_in_parameter = bool(segments) and _is_parameter(segments[-1])
    fragment = snake(operation.path.partition("#")[2])
    if fragment and pieces:
        # Documents give one path several operations by a fragment: /files/{id}#add_shared_link.
        return _Parts(tuple(pieces), fragment)
    if literals and re.search(r"[.:]", literals[-1]) and len(pieces) > 1:
        # Remote-procedure style: /chat.postMessage, /files/{id}:copy.
        return _Parts(tuple(pieces[:-1]), pieces[-1])
    words = words_of(operation.operation_id or "")
    if not pieces:
        return _Parts((), "_".join(words) or operation.method)
    if not ends_in_parameter and (pieces[-1] in SEARCHES or (len(pieces) > 1 and _is_action(pieces[-1], operation.method))):
        # An action as the last segment: POST /orders/{id}/cancel, GET /pets/findByStatus.
        return _Parts(tuple(pieces[:-1]), pieces[-1])
    verb, qualifier = _spoken(words, operation, pieces)
    verb = verb or _by_method(operation, ends_in_parameter)
    if verb == "get" and operation.answers_list and not ends_in_parameter:
        verb = "list"
    return _Parts(tuple(pieces), "_".join([verb, *qualifier]))


def _spoken(words: list[str], operation: Naming, pieces: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the verb that an operationId names, and the words of it that path and parameters do not already say."""
    verb = None
    if words and words[0] in VERB_BY_WORD:
        verb, rest = VERB_BY_WORD[words[0]], words[1:]
    elif words and words[-1] in VERB_BY_WORD:
        verb, rest = VERB_BY_WORD[words[-1]], words[:-1]
    else:
        return None, []
    if verb in METHOD_ORDER and verb not in ("get", "delete"):
        # `post_files_content` only repeats the method.
        return None, []
    known = {_singular(word) for word in words_of(operation.path)} | {"id", "ids", "by", "a", "an", "the", "for", "all", "of", "to", "in"}
    known |= {_singular(word) for piece in pieces for word in piece.split("_")} | {"api", operation.method}
    joined = "".join(_singular(word) for word in words_of(operation.path))
    said = [
        word for word in rest if word not in NOISE and _singular(word) not in known and _singular(word) not in joined and not word.isdigit()
    ]
    if not said or len(said) > MAX_QUALIFIER_WORDS:
        return verb, []
    kept = [word for word in rest if word in said or word in ("by", "for", "to")]
    while kept and kept[-1] in ("by", "for", "to"):
        kept.pop()
    return verb, kept


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


def _others(provider: str, operation: Naming, part: _Parts) -> Iterable[str]:
    """Yield further names for an operation whose first choice is taken, ever longer."""
    yield _join(provider, part.resource, part.verb)
    spoken = VERB_BY_WORD.get((words_of(operation.summary) or [""])[0], part.verb)
    if operation.method not in ("get", "delete") and spoken not in ("get", "list", part.verb):
        yield _join(provider, _short(part.resource), spoken)
    if operation.method == "put" and part.verb == "update":
        yield _join(provider, _short(part.resource), "replace")
    parameters = [snake(segment) for segment in _segments(operation.path) if _is_parameter(segment)]
    if parameters:
        yield _join(provider, _short(part.resource), f"{part.verb}_by_{parameters[-1]}")
        yield _join(provider, part.resource, f"{part.verb}_by_{'_'.join(parameters)}")
    yield _join(provider, _short(part.resource), f"{part.verb}_{operation.method}")
    if operation.operation_id:
        yield _join(provider, (), snake(operation.operation_id))
    number = 2
    while True:
        yield _join(provider, part.resource, f"{part.verb}_{number}")
        number += 1


def _short(resource: tuple[str, ...]) -> tuple[str, ...]:
    if len(resource) <= MAX_RESOURCE_SEGMENTS:
        return resource
    return (resource[0], *resource[-(MAX_RESOURCE_SEGMENTS - 1) :])


def _join(provider: str, resource: Iterable[str], verb: str) -> str:
    name = ".".join([provider, *resource, verb])
    if len(name) <= MAX_NAME_CHARS:
        return name
    return f"{name[: MAX_NAME_CHARS - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _rank(operation: Naming) -> tuple[int, int, str, str]:
    return (METHOD_ORDER.index(operation.method), operation.path.count("/"), operation.path, operation.operation_id or "")


def _segments(path: str) -> list[str]:
    """Return the segments of a path that say something: no version, no `/api`, no file ending."""
    path = re.sub(r"\.(json|xml)(?=$|[/?#])", "", path.split("#")[0].split("?")[0])
    found = [segment for segment in path.split("/") if segment]
    return [segment for segment in found if not VERSION_SEGMENT.fullmatch(segment)] or found


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
