"""What was cleaned in the arguments of an operation of memory is said in its answer (context contract §6)."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace

from tools.context_plane.arguments.cleaning import is_clean, kept_line
from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction

Run = Callable[[Call], Awaitable[Outcome]]
MAX_TOLD = 50
#: of a document: what reading it cleaned is said with the document
_TOLD_ELSEWHERE = frozenset({"content"})


def saying_what_was_cleaned(function: BuiltinFunction) -> BuiltinFunction:
    """Return `function` with `cleaned`: the paths of texts that hold what is left out, in answers that are objects."""

    async def run(call: Call) -> Outcome:
        outcome = await function.run(call)
        paths = _paths(call.arguments)
        if not paths or not isinstance(outcome.data, dict):
            return outcome
        said = outcome.data.get("cleaned", [])
        return replace(outcome, data={**outcome.data, "cleaned": list(dict.fromkeys([*said, *paths]))})

    return replace(function, run=run)


def _paths(arguments: Mapping[str, Json]) -> list[str]:
    return [path for _, path in zip(range(MAX_TOLD), _unclean("", arguments), strict=False)]


def _unclean(path: str, value: Json) -> Iterator[str]:
    if isinstance(value, str):
        if not is_clean(value):
            yield path
    elif isinstance(value, Mapping):
        for name, each in value.items():
            inner = f"{path}.{kept_line(name)}".lstrip(".")
            if not is_clean(name):
                yield inner
            if path or name not in _TOLD_ELSEWHERE:
                yield from _unclean(inner, each)
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from _unclean(f"{path}[{n}]", each)
