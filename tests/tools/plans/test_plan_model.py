"""Random plans against a model that runs one step after the other."""

import asyncio
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.plans.plans import Batches, batches
from tests.tools.stand_ins import operation
from tools.operation import Call, Failure, Json, Outcome

API = "lab.steps.run"


async def compute(call: Call) -> Outcome:
    """Add up what is given, or fail where asked to."""
    await asyncio.sleep(0)
    if call.arguments["fails"] or call.arguments.get("element") == 3:
        return Outcome("error", error=Failure("upstream_error", "lab answered 500", upstream={"status": 500, "body": "no"}))
    total = call.arguments["own"] + sum(value or 0 for value in call.arguments["takes"]) + (call.arguments.get("element") or 0)
    return Outcome("ok", data={"total": total, "parts": [total, 3, total + 1]})


@st.composite
def plans(draw: st.DrawFn, policies: tuple[str, ...] = ("skip", "continue")) -> list[dict[str, Json]]:
    """Return steps in any order; each reads, waits for, or asks about steps that come before it in a hidden order."""
    steps: list[dict[str, Json]] = []
    for number in range(draw(st.integers(1, 12))):
        before = st.sampled_from(steps) if number else st.nothing()
        some = st.lists(before, max_size=3, unique_by=lambda step: step["id"]) if number else st.just([])
        step: dict[str, Json] = {
            "id": f"s{number}",
            "api": API,
            "args": {"own": number, "fails": draw(st.integers(0, 5)) == 0},
            "on_error": draw(st.sampled_from(policies)),
            "depends_on": [other["id"] for other in draw(some)],
        }
        step["args"]["takes"] = [
            {"$ref": f"{first_of(other)}.total"} | ({"default": 7} if draw(st.booleans()) else {}) for other in draw(some)
        ]
        if number and draw(st.integers(0, 3)) == 0:
            asked = draw(before)["id"]
            step["if"] = draw(st.sampled_from([f"{asked}.ok", f"!({asked}.ok)", f"{asked}.data.total > `4`"]))
        if number and draw(st.integers(0, 3)) == 0:
            step["for_each"] = f"{first_of(draw(before))}.parts"
            step["args"]["element"] = {"$item": ""}
        steps.append(step)
    return draw(st.permutations(steps))


def first_of(step: Mapping[str, Json]) -> str:
    return f"{step['id']}.data[0]" if "for_each" in step else f"{step['id']}.data"


class Model:
    """What three-tools.md says becomes of each step, worked out one by one."""

    def __init__(self, steps: list[dict[str, Json]]) -> None:
        self.step_by_id = {step["id"]: step for step in steps}
        self.states: dict[str, str] = {}
        self.data: dict[str, Json] = {}
        for number in range(len(steps)):
            self.settle(self.step_by_id[f"s{number}"])

    def settle(self, step: Mapping[str, Json]) -> None:
        self.states[step["id"]], self.data[step["id"]] = self.result(step)

    def result(self, step: Mapping[str, Json]) -> tuple[str, Json]:
        takes = [(place["$ref"].partition(".")[0], "default" in place) for place in step["args"]["takes"]]
        mapped = step["for_each"].split(".")[0] if "for_each" in step else None
        asks = step["if"].strip("!(").split(".")[0] if "if" in step else None
        needs = {other for other, has_default in takes if not has_default} | ({mapped} if mapped else set())
        reads = {other for other, _ in takes} | needs | ({asks} if asks else set()) | set(step["depends_on"])
        states = [(other, self.states[other]) for other in sorted(reads)]
        for other, state in states:
            if state == "dropped":
                return "dropped", None
            if state == "failed" and self.step_by_id[other]["on_error"] == "skip" and "for_each" not in self.step_by_id[other]:
                return "dropped", None
            if state == "skipped" and other in needs:
                return "skipped", None
        if asks is not None and not self.holds(step["if"], asks):
            return "skipped", None
        return self.run(step, takes, mapped)

    def holds(self, text: str, asks: str) -> bool:
        ok = self.states[asks] == "ok"
        if text.endswith(".ok"):
            return ok
        if text.startswith("!"):
            return not ok
        data = self.data[asks]
        return isinstance(data, dict) and data["total"] > 4

    def run(self, step: Mapping[str, Json], takes: list[tuple[str, bool]], mapped: str | None) -> tuple[str, Json]:
        elements: list[Json] = [None]
        if mapped is not None:
            source = self.first(mapped)
            if source is None:
                return "failed", None
            elements = source["parts"]
        values = []
        for other, has_default in takes:
            source = self.first(other)
            if source is not None:
                values.append(source["total"])
            elif has_default:
                values.append(7)
            elif self.states[other] == "failed" and self.data[other] is None:
                values.append(None)
            else:
                return "failed", None if mapped is None else self.kept(step, [None] * len(elements))
        answers = [None if step["args"]["fails"] or element == 3 else self.answer(step, values, element) for element in elements]
        state = "ok" if all(answer is not None for answer in answers) else "failed"
        return state, answers[0] if mapped is None else self.kept(step, answers)

    def first(self, other: str) -> Json:
        """Return what a reference to `other` reads: its answer, or the first of its answers."""
        data = self.data[other]
        return (data[0] if data else None) if isinstance(data, list) else data

    @staticmethod
    def answer(step: Mapping[str, Json], values: list[Json], element: Json) -> Json:
        total = step["args"]["own"] + sum(value or 0 for value in values) + (element or 0)
        return {"total": total, "parts": [total, 3, total + 1]}

    @staticmethod
    def kept(step: Mapping[str, Json], answers: list[Json]) -> list[Json]:
        return [answer for answer in answers if answer is not None] if step["on_error"] == "skip" else answers


async def lab() -> Batches:
    gateway = await batches([operation(API)])
    gateway.runner.answers[API] = compute
    return gateway


def run(steps: list[dict[str, Json]], parallel: int) -> tuple[Batches, dict[str, Any]]:
    async def once() -> tuple[Batches, dict[str, Any]]:
        gateway = await lab()
        return gateway, await gateway.run(*steps, max_parallel=parallel)

    return asyncio.run(once())


@examples(80)
@given(plans(), st.sampled_from([1, 2, 16]))
def test_a_plan_ends_as_the_model_says_whatever_runs_beside_what(steps: list[dict[str, Json]], parallel: int) -> None:
    """Issue: Hypothesis on plans, random DAGs against a model executor."""
    _, answer = run(steps, parallel)
    model = Model(steps)
    assert "error" not in answer, answer
    assert {step_id: step.get("state", "ok") for step_id, step in answer["steps"].items()} == model.states
    assert {step_id: data for step_id, data in answer["returned"].items() if data is not None} == {
        step_id: data for step_id, data in model.data.items() if data is not None
    }
    assert answer["stats"]["parallel"] <= parallel
    assert (answer["status"] == "completed") == all(state in ("ok", "skipped") for state in model.states.values())


@examples(40)
@given(plans(policies=("stop", "skip", "continue")), st.sampled_from([1, 4]))
def test_a_plan_that_stops_has_run_nothing_before_what_it_needs(steps: list[dict[str, Json]], parallel: int) -> None:
    """Which steps a stop catches depends on their speed; that none ran out of order does not."""
    gateway, answer = run(steps, parallel)
    step_by_id = {step["id"]: step for step in steps}
    states = {step_id: step.get("state", "ok") for step_id, step in answer["steps"].items()}
    assert set(states) == set(step_by_id)
    if any(state == "waiting" for state in states.values()):
        assert any(states[step_id] == "failed" and step["on_error"] == "stop" for step_id, step in step_by_id.items())
    ran = [call.arguments["own"] for call in gateway.runner.calls]
    for step_id, step in step_by_id.items():
        for other in step["depends_on"]:
            if step["args"]["own"] in ran and step_by_id[other]["args"]["own"] in ran:
                assert ran.index(step_by_id[other]["args"]["own"]) < ran.index(step["args"]["own"])
            if states[step_id] == "ok":
                assert states[other] in ("ok", "skipped", "failed")
