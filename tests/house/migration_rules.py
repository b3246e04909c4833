"""What a step of a migration takes from nodes of the version before, which go on while they are replaced."""

import ast
import re
from collections.abc import Iterator

_GONE = {"drop_column", "drop_table", "rename_table"}
_NARROWER = {"create_unique_constraint", "create_foreign_key", "create_check_constraint"}
_SQL = re.compile(r"\b(DROP\s+(TABLE|COLUMN)|RENAME\s+(TO|COLUMN)|SET\s+NOT\s+NULL)\b", re.IGNORECASE)


def taken_away(source: str) -> list[str]:
    """Return what `upgrade` does that the version before may not outlive; columns that it must fill, too."""
    upgrade = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    made = {_first(call) for call in _calls(upgrade) if _name(call) == "create_table"}
    return [fault for call in _calls(upgrade) if (fault := _fault(call, made))]


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _fault(call: ast.Call, made: set[str]) -> str:
    name, about = _name(call), _first(call)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in _GONE or (name in _NARROWER and _second(call) not in made):
        return f"{name} {about}"
    if name == "create_index" and _is(given.get("unique"), True) and _second(call) not in made:
        return f"{name} {about}, unique"
    if name == "alter_column" and (given.keys() & {"new_column_name", "type_"} or _is(given.get("nullable"), False)):
        return f"{name} {about}"
    if name == "add_column" and any(_must_be_filled(each) for each in call.args if isinstance(each, ast.Call)):
        return f"{name} {about}, which has no default and may not be empty"
    if name in ("execute", "text") and any(_SQL.search(text) for text in _texts(call)):
        return f"{name} {about[:60]}"
    return ""


def _must_be_filled(column: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in column.keywords}
    return _is(given.get("nullable"), False) and "server_default" not in given


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def _texts(call: ast.Call) -> list[str]:
    return [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _first(call: ast.Call) -> str:
    return _at(call, 0)


def _second(call: ast.Call) -> str:
    return _at(call, 1)


def _at(call: ast.Call, place: int) -> str:
    if len(call.args) <= place:
        return ""
    node = call.args[place]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
