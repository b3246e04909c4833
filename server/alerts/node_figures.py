"""What one node knows of itself: calls it lost, what it takes of a call, its disk, what it cannot reach."""

import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from server.alerts.rule import MINUTE_US
from server.alerts.window import CounterWindow
from server.observability.call_overhead import OVERHEAD_MS

WINDOW_US = 15 * MINUTE_US
CHECK_TIMEOUT_S = 2.0
log = logging.getLogger("ascend.alerts")

#: None where the dependency can serve, else a few words on what is wrong
Check = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """Of the last 15 minutes; `overhead` counts calls by `OVERHEAD_MS`. `disk_free_percent` None: it cannot be asked."""

    node: str
    dropped: int = 0
    overhead: tuple[int, ...] = ()
    model_calls: int = 0
    fallbacks: int = 0
    disk_free_percent: float | None = None
    #: name -> what is wrong
    down: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "NodeFigures":
        return cls(
            node=str(found["node"]),
            dropped=int(found["dropped"]),
            overhead=tuple(map(int, found["overhead"])),
            model_calls=int(found["model_calls"]),
            fallbacks=int(found["fallbacks"]),
            disk_free_percent=found["disk_free_percent"],
            down=found["down"],
        )


@dataclass(frozen=True, slots=True)
class NodeSources:
    """Where a node looks. Counters are read as they are now, since its start.

    `process` is unique among all that ever ran; `node` is what alerts name, and stays what it is when a process is started anew.
    """

    process: str
    node: str
    data_dir: Path
    dropped: Callable[[], float]
    overhead: Callable[[], Sequence[int]]
    #: model calls, and those of them that another target answered than the first
    model_calls: Callable[[], tuple[float, float]]
    checks: Mapping[str, Check] = field(default_factory=dict)
    #: what is known to be down without asking
    down: Callable[[], Mapping[str, str]] = dict


class NodeWatch:
    def __init__(self, sources: NodeSources) -> None:
        self._sources = sources
        self._window = CounterWindow(WINDOW_US, 3 + len(OVERHEAD_MS) + 1)

    @property
    def process(self) -> str:
        return self._sources.process

    async def figures(self, now_us: int) -> NodeFigures:
        """Return what this node knows now."""
        sources = self._sources
        calls, fallbacks = sources.model_calls()
        grown = self._window.grown(now_us, (sources.dropped(), calls, fallbacks, *sources.overhead()))
        dropped, model_calls, fallen_back, *overhead = map(int, grown)
        return NodeFigures(
            node=sources.node,
            dropped=dropped,
            overhead=tuple(overhead),
            model_calls=model_calls,
            fallbacks=fallen_back,
            disk_free_percent=await _free_percent(sources.data_dir),
            down=await self._down(),
        )

    async def _down(self) -> Mapping[str, str]:
        found = dict(self._sources.down())

        async def ask(name: str, check: Check) -> None:
            if (wrong := await _asked(check)) is not None:
                found[name] = wrong

        async with anyio.create_task_group() as group:
            for name, check in self._sources.checks.items():
                group.start_soon(ask, name, check)
        return dict(sorted(found.items()))


async def _asked(check: Check) -> str | None:
    with anyio.move_on_after(CHECK_TIMEOUT_S):
        try:
            return await check()
        except Exception as error:
            log.warning("dependency_not_asked", extra={"facts": {"kind": type(error).__name__}})
            return "could not be asked"
    return f"no answer within {CHECK_TIMEOUT_S:g} s"


async def _free_percent(folder: Path) -> float | None:
    """Return how much of the disk is free; in a thread, since a disk over the network may hang."""
    try:
        with anyio.move_on_after(CHECK_TIMEOUT_S):
            usage = await anyio.to_thread.run_sync(shutil.disk_usage, folder, abandon_on_cancel=True)
            return round(100 * usage.free / usage.total, 1) if usage.total else None
    except OSError:
        return None
    return None
