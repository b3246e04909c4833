"""The shape of the code: file sizes, names, imports. Each rule is in docs/architecture.md."""

import ast
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGES = ("server", "tools", "oauth", "capability_index")
MAX_LINES = 300
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "service", "core"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_file_holds_one_idea(path: Path) -> None:
    """At most 300 lines: past that, two ideas live there."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{name_of(path)} has {lines} lines; which two ideas live here?"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_name_says_the_thing_and_not_its_kind(path: Path) -> None:
    """A file called helpers collects what has no home."""
    assert not FORBIDDEN_NAMES & set(path.relative_to(REPOSITORY).with_suffix("").parts)


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_first_party_imports_are_at_the_top_and_absolute(path: Path) -> None:
    """An import inside a function is an edge that the import graph does not show."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and names_us(node)
    ]
    assert not hidden, f"{name_of(path)}: imports inside functions at lines {hidden}"


def names_us(node: ast.Import | ast.ImportFrom) -> bool:
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]
    return any(module.split(".")[0] in (*PACKAGES, "") for module in modules)


@pytest.mark.parametrize("path", [path for path in sources() if path.name == "__init__.py"], ids=name_of)
def test_a_package_file_holds_one_docstring(path: Path) -> None:
    """Re-exports make cycles; the docstring says what the folder is for."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert len(body) == 1, f"{name_of(path)} has more than a docstring"
    assert isinstance(body[0], ast.Expr)


def test_every_test_folder_is_a_package() -> None:
    """Without __init__.py a folder tests/tools would be imported as our `tools`."""
    folders = {path.parent for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]
