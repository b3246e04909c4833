"""The arms of an experiment side by side."""

from dataclasses import replace

from tests.contracts.ai_gateway.model_calls import call
from tools.ai_gateway.configuration.config import Experiment
from tools.ai_gateway.experiments.report import experiment_json, report_json
from tools.ai_gateway.feedback import ScoredArm

EXPERIMENT = Experiment("cf", "bulk", {"b": "try", "c": "other"}, {"b": 0.1})


def test_each_arm_has_what_its_calls_came_to() -> None:
    records = [
        call(experiment="cf/control", ms=10.0, cost_nano_usd=2_000),
        call(experiment="cf/b", ms=30.0, cost_nano_usd=4_000),
        call(experiment="cf/b", ms=50.0, cost_nano_usd=None, outcome="error", status=502),
        call(experiment="cf/b", outcome="cancelled"),
        call(experiment="other/b"),
        call(experiment="cf/gone"),
    ]
    control, b, c = report_json(EXPERIMENT, records, [ScoredArm("cf/b", 3, 0.25)])
    assert (control["arm"], control["calls"], control["errors"], control["cost_usd"]) == ("control", 1, 0, 2e-6)
    assert (b["calls"], b["errors"], b["error_rate"], b["fallbacks"], b["p95_ms"]) == (2, 1, 0.5, 0, 50.0)
    assert (b["cost_usd"], b["usd_per_call"], b["unpriced"]) == (4e-6, 4e-6, 1)
    assert [(arm["scores"], arm["quality"]) for arm in (control, b)] == [(0, None), (3, 0.25)]
    assert (c["calls"], c["error_rate"], c["p95_ms"], c["usd_per_call"]) == (0, None, None, None)


def test_an_experiment_is_running_off_or_held() -> None:
    assert (experiment_json(EXPERIMENT)["state"], experiment_json(EXPERIMENT)["share"]) == ("running", {"control": 0.9, "b": 0.1, "c": 0})
    assert experiment_json(replace(EXPERIMENT, share={}))["state"] == "off"
    held = experiment_json(replace(EXPERIMENT, held="by hand"))
    assert (held["state"], held["why"], held["share"]) == ("held", "by hand", {"control": 1, "b": 0, "c": 0})
    assert held["resumes_with"] == {"b": 0.1, "c": 0}
