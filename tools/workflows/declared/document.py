"""A definition as it is written, YAML or JSON -> its value, and in which line each part of it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from tools.errors import ImportFailed
from tools.expressions.over_steps import Path
from tools.operation import Json
from tools.sources.openapi.document import parse
from tools.workflows.declared.errors import DefinitionFault, DefinitionInvalid

MAX_DOCUMENT_BYTES = 256 * 1024
_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Document:
    value: Json
    _root: yaml.Node | None = field(repr=False)

    def line_of(self, path: Path) -> int | None:
        """Return the line where what stands at `path`, or the nearest thing around it, begins."""
        node, line = self._root, None if self._root is None else self._root.start_mark.line + 1
        for part in path:
            node = _member(node, part)
            if node is None:
                break
            line = node.start_mark.line + 1
        return line


def read_document(raw: bytes) -> Document:
    """Return the document of YAML 1.2 or JSON, which is read by the JSON rules alone. Raises DefinitionInvalid."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise DefinitionInvalid([DefinitionFault("", f"it has {len(raw):,} bytes; {MAX_DOCUMENT_BYTES:,} are the most")])
    try:
        # How deep it nests, and how much aliases make of it, is looked at there: what follows may recurse.
        value = parse(raw, "it")
        root = yaml.compose(raw.removeprefix(b"\xef\xbb\xbf").decode(), Loader=yaml.CSafeLoader)
    except ImportFailed as error:
        raise DefinitionInvalid([DefinitionFault("", error.failure.message)]) from error
    except (yaml.YAMLError, UnicodeDecodeError):
        root = None  # JSON that is no YAML, with tabs perhaps
    if twice := list(_named_twice(root)):
        raise DefinitionInvalid(
            [DefinitionFault("", f"'{name}' stands there twice; the second hides the first", line) for name, line in twice]
        )
    return Document(value, root)


def path_in(text: str) -> Path:
    """Return the path that a fault's place spells: `args.items[0].id`."""
    return tuple(int(number) if number else name for name, number in _PART.findall(text))


def _member(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _named_twice(root: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Yield members that a mapping has twice, with the line of the second."""
    pending: list[yaml.Node] = [] if root is None else [root]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                name = str(key.value)[:80]
                if name in names:
                    yield name, key.start_mark.line + 1
                names.add(name)
                pending.append(value)
        elif isinstance(node, yaml.SequenceNode):
            pending.extend(node.value)
