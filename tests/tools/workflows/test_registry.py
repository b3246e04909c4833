"""Which workflows there are, and what is loaded for that."""

from collections.abc import Iterator, Mapping

from tools.operation import Json
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.run import Run
from tools.workflows.workflow import Workflow


async def nothing(run: Run, given: Mapping[str, Json]) -> Json:
    return None


def workflow(name: str, version: str = "1") -> Workflow:
    return Workflow(name, version, nothing)


async def test_a_run_finds_the_version_it_began_with_and_a_start_the_newest() -> None:
    registry = WorkflowRegistry()
    registry.add(workflow("a", "1"), workflow("a", "2"))
    assert [await registry.find("acme", "a", version) for version in ("", "1", "2", "3")] == [
        workflow("a", "2"),
        workflow("a", "1"),
        workflow("a", "2"),
        None,
    ]
    assert await registry.of("acme") == [workflow("a", "2")]


async def test_what_is_brought_late_is_loaded_once_and_not_before_somebody_asks() -> None:
    """Decision 0059."""
    loaded: list[str] = []

    def load() -> Iterator[Workflow]:
        loaded.append("late")
        yield from (workflow("b"), workflow("c"))

    registry = WorkflowRegistry()
    registry.add(workflow("a"))
    registry.add_late(("b", "c"), load)
    assert await registry.find("acme", "a") == workflow("a")
    assert await registry.for_people("acme") == []
    assert not loaded
    assert await registry.find("acme", "c") == workflow("c")
    assert [each.name for each in await registry.of("acme")] == ["a", "b", "c"]
    assert loaded == ["late"]


async def test_what_the_gateway_brings_for_itself_is_not_for_people_and_what_a_tenant_defines_is() -> None:
    async def found(tenant_id: str, name: str, version: str) -> Workflow | None:
        return workflow(name) if (tenant_id, name) == ("acme", "own") else None

    async def listed(tenant_id: str) -> list[Workflow]:
        return [workflow("own")] if tenant_id == "acme" else []

    registry = WorkflowRegistry()
    registry.add(workflow("job"))
    registry.add(workflow("for-all"), for_people=True)
    registry.ask(found, listed)
    assert [each.name for each in await registry.for_people("acme")] == ["for-all", "own"]
    assert [each.name for each in await registry.of("globex")] == ["for-all", "job"]
    assert await registry.find("acme", "own") == workflow("own")
    assert await registry.find("globex", "own") is None
