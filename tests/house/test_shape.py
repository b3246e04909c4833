"""The shape of the code: file sizes, names, imports. Each rule is in docs/architecture.md."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGES = ("server", "tools", "oauth", "capability_index")
MAX_LINES = 300
MAX_FILES = 20
#: where one file is one thing of many alike, found by its name: nobody reads such a folder from end to end
AS_MANY_AS_THERE_ARE = {
    "benchmarks": "a command each",
    "server/commands": "a command each",
    "server/storage/migrations/versions": "a migration each",
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "service", "core"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py"))]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


# One test a rule and not one a file: thousands of tests that look at a file each cost the suite more than the looking.


def test_a_file_holds_one_idea() -> None:
    """At most 300 lines: past that, two ideas live there."""
    lines_by_name = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    too_long = {name: lines for name, lines in lines_by_name.items() if lines > MAX_LINES}
    assert not too_long, f"which two ideas live in each of these? {too_long}"


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    """At most 20 files: past that, some of them are a room of their own."""
    files = [path for top in (*PACKAGES, "tests", "benchmarks") for path in (REPOSITORY / top).rglob("*.py")]
    counts = Counter(str(path.parent.relative_to(REPOSITORY)) for path in files)
    crowded = {name: count for name, count in counts.items() if count > MAX_FILES}
    assert crowded.keys() == AS_MANY_AS_THERE_ARE.keys(), f"which rooms are in these, or which exception is none any more? {crowded}"


def test_a_name_says_the_thing_and_not_its_kind() -> None:
    """A file called helpers collects what has no home."""
    assert [name_of(path) for path in sources() if FORBIDDEN_NAMES & set(path.relative_to(REPOSITORY).with_suffix("").parts)] == []


def test_first_party_imports_are_at_the_top_and_absolute() -> None:
    """An import inside a function is an edge that the import graph does not show."""
    hidden = [f"{name_of(path)}:{line}" for path in sources() for line in hidden_imports(tree_of(path))]
    assert not hidden, f"imports inside functions: {hidden}"


def hidden_imports(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of first-party imports inside functions."""
    for node, is_inside in statements_of(tree):
        if is_inside and isinstance(node, ast.Import | ast.ImportFrom) and names_us(node):
            yield node.lineno


def statements_of(tree: ast.AST, *, is_inside: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every statement, and whether it stands in a function; expressions, which are most of a tree, are passed over."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield node, is_inside
            yield from statements_of(node, is_inside=is_inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    import tools.errors\n", [2]),
        ("class A:\n    async def f(self):\n        try: pass\n        except ValueError:\n            from oauth import jwt\n", [5]),
        ("def f(x):\n    match x:\n        case 1:\n            from . import errors\n", [4]),
        ("import tools.errors\nif True:\n    from oauth import jwt\ndef f():\n    import json\n", []),
    ],
)
def test_a_hidden_import_is_found_wherever_it_hides(source: str, lines: list[int]) -> None:
    assert list(hidden_imports(ast.parse(source))) == lines


def names_us(node: ast.Import | ast.ImportFrom) -> bool:
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]
    return any(module.split(".")[0] in (*PACKAGES, "") for module in modules)


def test_a_package_file_holds_one_docstring() -> None:
    """Re-exports make cycles; the docstring says what the folder is for."""
    bodies = {name_of(path): tree_of(path).body for path in sources() if path.name == "__init__.py"}
    assert [name for name, body in bodies.items() if len(body) != 1 or not isinstance(body[0], ast.Expr)] == []


def test_every_test_folder_is_a_package() -> None:
    """Without __init__.py a folder tests/tools would be imported as our `tools`."""
    folders = {path.parent for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]
