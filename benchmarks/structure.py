"""The shape of the code, measured from its own imports: `python -m benchmarks structure`.

Exit 1 when a rule of the house is broken: a file of more than 300 lines, a hidden import, a circle, a folder of more than 20 modules.
"""

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("server", "tools", "oauth", "capability_index")
MAX_LINES = 300
MAX_MODULES = 20
#: where files stand side by side by design: one a command, a migration, a version
SPACIOUS = frozenset({"server/commands", "server/storage/migrations/versions"})
#: where a check without its source is a riddle: OAuth, crypto, HTTP framing, the optimised paths
PROTECTS = ("oauth", "server/authorization", "server/http", "server/mcp", "tools/egress")


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its path under the root, its lines, its syntax tree."""

    path: Path
    lines: int
    tree: ast.Module
    comments: int

    @property
    def folder(self) -> str:
        return str(self.path.parent)


def sources() -> list[Source]:
    """Return every module of the four packages."""
    return [_read(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    comments = sum(1 for line in lines if "# " in line or "#:" in line)
    return Source(path.relative_to(ROOT), len(lines), ast.parse(text), comments)


def room_of(module: str) -> str:
    """Return the room that a module stands in: the folder below its package, or the file itself where it stands on the ground floor."""
    return ".".join(module.split(".")[:2])


def rooms(graph: grimp.ImportGraph, package: str) -> Counter[tuple[str, str]]:
    """Return how many imports lead from one room of `package` to another."""
    arrows: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            here, there = room_of(importer), room_of(imported)
            if here != there and here.startswith(f"{package}.") and there.startswith(f"{package}."):
                arrows[here, there] += 1
    return arrows


def hidden_imports(source: Source) -> Iterator[int]:
    """Yield the lines of first-party imports inside functions."""
    for function in ast.walk(source.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name if isinstance(node, ast.Import) else None
                if module and module.split(".")[0] in PACKAGES:
                    yield node.lineno  # type: ignore[attr-defined]  # an import has a line


def longest_function(of: list[Source]) -> tuple[int, str]:
    """Return the lines of the longest function and where it is."""
    found = [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{source.path}:{node.lineno} {node.name}")
        for source in of
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return max(found)


def largest_cycle(graph: grimp.ImportGraph) -> int:
    """Return how many modules the largest circle of imports has; 1: there is none (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    largest = 1
    for start in graph.modules:
        if start in index:
            continue
        work = [(start, iter(graph.find_modules_directly_imported_by(start)))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            module, rest = work[-1]
            for imported in rest:
                if imported not in index:
                    index[imported] = low[imported] = len(index)
                    stack.append(imported)
                    on_stack.add(imported)
                    work.append((imported, iter(graph.find_modules_directly_imported_by(imported))))
                    break
                if imported in on_stack:
                    low[module] = min(low[module], index[imported])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[module])
                if low[module] == index[module]:
                    size = 0
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        size += 1
                        if member == module:
                            break
                    largest = max(largest, size)
    return largest


def main() -> int:
    found = sources()
    graph = grimp.build_graph(*PACKAGES)
    written = [source for source in found if source.path.name != "__init__.py"]
    sizes = sorted(source.lines for source in written)
    length, where = longest_function(found)
    hidden = [f"{source.path}:{line}" for source in found for line in hidden_imports(source)]
    folders = Counter(source.folder for source in written)
    cycle = largest_cycle(graph)
    print(f"modules            {len(written)}")
    print(f"lines, median      {statistics.median(sizes):.0f}")
    print(f"lines, longest     {sizes[-1]}")
    print(f"longest function   {length}  ({where})")
    print(f"hidden imports     {len(hidden)}")
    print(f"largest cycle      {cycle}")
    for package in PACKAGES:
        arrows = rooms(graph, package)
        print(f"{package:18} {sum(arrows.values())} arrows between rooms, {len(arrows)} kinds")
    for folder, count in folders.most_common(8):
        print(f"{folder:36} {count} modules")
    for room in PROTECTS:
        inside = [source for source in written if str(source.path).startswith(room)]
        lines = sum(source.lines for source in inside)
        if lines:
            print(f"{room:36} {100 * sum(source.comments for source in inside) / lines:.1f} comments a 100 lines")
    crowded = [folder for folder, count in folders.items() if count > MAX_MODULES and folder not in SPACIOUS]
    faults = [*hidden, *crowded, *(str(source.path) for source in written if source.lines > MAX_LINES)]
    if cycle > 1:
        faults.append(f"a circle of {cycle} modules")
    print("faults:", ", ".join(faults) or "none")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
