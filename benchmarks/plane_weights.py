"""What a plane costs the process of a gateway that does not use it: the memory of its modules, and of what they make when loaded.

    python -m benchmarks.plane_weights

Goal: 3 MB for the AI gateway, 0.5 MB for workflows with schedules and webhooks.
Counted are allocations of Python while each module is loaded, its imports not among them, in an interpreter
that imports what `serve` does; so the figure is the same on a busy machine. MB are 2^20 bytes.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import tracemalloc
from collections.abc import Sequence
from types import ModuleType

MOST_MB = {"AI gateway": 3.0, "workflows": 0.5}
#: plane -> what only it needs
PLANES = {
    "AI gateway": (
        "tools.ai_gateway",
        "server.assembly.ai_gateway",
        "server.admin.ai",
        "server.model_api",
        "server.observability.model_call",
        "server.storage.ai_gateway",
        "server.storage.schema.ai_",
        "tools.builtins.llm_",
    ),
    "context plane": (
        "tools.context_plane",
        "server.assembly.context_plane",
        "server.rest_api",
        "server.storage.context_plane",
        "server.storage.schema.context_tables",
        "server.storage.schema.document_tables",
        "tools.builtins.context",
    ),
    "workflows": (
        "server.storage.late_stores",
        "server.observability.schedule_metrics",
        "tools.workflows",
        "server.assembly.workflows",
        "server.hooks",
        "server.observability.workflow_metrics",
        "server.storage.workflows",
        "server.storage.schema.workflows",
        "tools.builtins.workflows",
    ),
}


class Weighing(importlib.abc.MetaPathFinder):
    """Finds modules as ever, and weighs each while it is loaded."""

    def __init__(self) -> None:
        self.bytes_by_module: dict[str, int] = {}
        #: what the modules being loaded have imported so far
        self._inside: list[int] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        loader = None if spec is None else spec.loader
        if isinstance(loader, importlib.machinery.SourceFileLoader):
            load = loader.exec_module

            def weighed(module: ModuleType) -> None:
                before = tracemalloc.get_traced_memory()[0]
                self._inside.append(0)
                load(module)
                grown = tracemalloc.get_traced_memory()[0] - before
                self.bytes_by_module[fullname] = grown - self._inside.pop()
                if self._inside:
                    self._inside[-1] += grown

            loader.exec_module = weighed  # type: ignore[method-assign]
        return spec


def main() -> int:
    weighing = Weighing()
    sys.meta_path.insert(0, weighing)
    tracemalloc.start(1)
    importlib.import_module("server.commands.serve")
    weights = {
        plane: [each for name, each in weighing.bytes_by_module.items() if name.startswith(parts)] for plane, parts in PLANES.items()
    }
    for plane, each in weights.items():
        print(f"{plane}: {sum(each) / 2**20:.2f} MB in {len(each)} modules")
    print("goal: at most " + ", ".join(f"{most:g} MB for the {plane}" for plane, most in MOST_MB.items()))
    return 0 if all(sum(weights[plane]) / 2**20 <= most for plane, most in MOST_MB.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
