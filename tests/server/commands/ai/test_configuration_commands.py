"""`ascend ai apply`, `config`, `rollback`, `models`, `experiment`: one file, and what is in force."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Said, ascend_here
from tests.tools.ai_gateway.configuration.example import EXAMPLE

ROUTE = '[routes.mine]\ntargets = ["openai/gpt-5.2"]\n'
TRIAL = '[[experiments]]\nname = "cf"\nroute = "bulk"\narms = { b = "standard" }\nshare = { b = 0.1 }\n'


class Ascend:
    """`ascend ai` on a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def says(self, *words: str, stdin: str = "") -> Said:
        return ascend_here("ai", *words, data_dir=self.folder / "data", stdin=stdin)

    def does(self, *words: str) -> str:
        said = self.says(*words)
        assert said.returncode == 0, said
        return said.stdout

    def reads(self, *words: str) -> Any:
        return json.loads(self.does(*words, "--json"))

    def applies(self, text: str, *more: str) -> Said:
        file = self.folder / "ai.toml"
        file.write_text(text, encoding="utf-8")
        return self.says("apply", str(file), *more)


@pytest.fixture
def ai(tmp_path: Path) -> Ascend:
    return Ascend(tmp_path)


def test_a_file_is_the_next_version_and_comes_back_as_a_file(ai: Ascend) -> None:
    assert ai.reads("config") == {"version": 0, "applied_at": None, "applied_by": "", "config": {}}
    assert ascend_here("tenant", "add", "acme", data_dir=ai.folder / "data").returncode == 0
    assert "version 1 is in force" in ai.applies(EXAMPLE).stdout
    kept = ai.reads("config")
    assert (kept["version"], kept["config"]["routes"]["deepseek-chat"]["sunset"]) == (1, "2026-12-31")
    again = ai.applies(ai.does("config"))
    assert "nothing changes; version 1 says the same" in again.stdout
    assert ai.reads("config") == kept


def test_all_faults_are_told_at_once_and_nothing_is_stored(ai: Ascend) -> None:
    said = ai.applies('[provider.x]\n[routes.a]\ntargets = ["b"]\n[[budgets]]\nname = "n"\nwindow = "fortnight"\nusd = -1\n')
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.splitlines()[1:] == [
        "  budgets[0].usd: must be at least 0",
        "  budgets[0].window: 'fortnight' is none of minute, hour, day, month, total",
        "  provider: no such section; did you mean 'providers'?",
        "  routes.a.targets[0]: no route 'b'; a model is written provider/model",
    ]
    assert said.stderr.startswith("ascend: ")
    assert "4 faults, nothing was changed" in said.stderr
    assert ai.reads("config")["version"] == 0


def test_a_dry_run_shows_the_difference_and_stores_nothing(ai: Ascend) -> None:
    ai.applies(ROUTE)
    said = ai.applies(ROUTE.replace("gpt-5.2", "gpt-6") + "cache_s = 5\n", "--dry-run")
    assert said.stdout.splitlines() == [
        "+ routes.mine.cache_s = 5",
        '~ routes.mine.targets: ["openai/gpt-5.2"] → ["openai/gpt-6"]',
        "2 values would change; version 1 stays in force",
    ]
    assert ai.reads("config")["version"] == 1
    assert json.loads(ai.applies("", "--dry-run", "--json").stdout)["changes"] == ['- routes.mine.targets = ["openai/gpt-5.2"]']


def test_what_has_no_effect_is_told_beside(ai: Ascend) -> None:
    said = ai.applies('[tenants.defualt]\nallow = ["bulk"]\n')
    assert said.returncode == 0
    assert "note: tenants.defualt: there is no tenant 'defualt'; did you mean 'default'?" in said.stderr


def test_a_gateway_of_a_tenant_that_there_is_not_is_a_fault(ai: Ascend) -> None:
    """Beside all others: nobody could call it."""
    said = ai.applies('[gateways.agents]\ntenant = "defualt"\n[routes.a]\ntargets = ["b"]\n', "--dry-run")
    assert said.returncode == 1
    assert "gateways.agents.tenant: there is no tenant 'defualt'; did you mean 'default'?" in said.stderr
    assert "routes.a.targets[0]" in said.stderr


def test_a_version_of_before_is_put_in_force_as_the_next_one(ai: Ascend) -> None:
    ai.applies(ROUTE)
    ai.applies(TRIAL)
    assert "version 3 is in force, the same as version 1" in ai.does("rollback", "1")
    assert json.loads(ai.does("rollback", "1", "--json")) == {"version": 3, "same_as": 1}
    assert ai.reads("config")["config"] == {"routes": {"mine": {"targets": ["openai/gpt-5.2"]}}}
    said = ai.says("rollback", "9")
    assert (said.returncode, "no version 9; the newest is 3" in said.stderr) == (1, True)
    assert "experiments" in ai.does("config", "--version", "2")
    assert ai.says("config", "--version", "9").returncode == 1


def test_models_are_listed_as_a_tenant_may_use_them(ai: Ascend) -> None:
    ai.applies(ROUTE + '[tenants.default]\nallow = ["mine", "openai/*"]\n')
    rows = ai.reads("models")
    assert [(row["id"], row["kind"], row["leads_to"]) for row in rows] == [
        ("mine", "route", "openai/gpt-5.2"),
        ("openai/gpt-5.2", "model", ""),
    ]
    assert "mine" in ai.does("models")
    assert "no tenant 'nobody'" in ai.says("models", "--tenant", "nobody").stderr


def test_an_experiment_is_listed_grows_is_held_and_goes_on(ai: Ascend) -> None:
    assert ai.reads("experiment") == []
    assert ai.does("experiment").strip() == "no experiments; [[experiments]] describes one"
    ai.applies(TRIAL)
    assert [(row["name"], row["state"], row["share"]["b"]) for row in ai.reads("experiment")] == [("cf", "running", 0.1)]
    ai.does("experiment", "cf", "--share", "0.5")
    assert ai.reads("experiment", "cf")["share"] == {"control": 0.5, "b": 0.5}
    assert ai.reads("config")["config"]["experiments"][0]["share"] == {"b": 0.5}
    assert [(arm["arm"], arm["calls"]) for arm in ai.reads("experiment", "cf")["report"]] == [("control", 0), ("b", 0)]
    assert "control" in ai.does("experiment", "cf")
    ai.does("experiment", "cf", "--hold")
    held = ai.reads("experiment", "cf")
    assert (held["state"], held["why"], held["share"]) == ("held", "by hand", {"control": 1, "b": 0})
    ai.applies(TRIAL)
    assert ai.reads("experiment", "cf")["state"] == "held"
    assert "cf is held still" in ai.says("experiment", "cf", "--share", "0.2").stderr
    ai.does("experiment", "cf", "--resume")
    resumed = ai.reads("experiment", "cf")
    assert (resumed["state"], resumed["share"]["b"]) == ("running", 0.2)


def test_a_rollout_shows_its_step_and_a_share_by_hand_ends_it(ai: Ascend) -> None:
    ai.applies(TRIAL.replace("share = { b = 0.1 }", "rollout = [0.1, 0.5]\nhold = { min_calls = 5 }"))
    shown = ai.reads("experiment", "cf")
    assert (shown["rollout"], shown["step"], shown["share"]) == ([0.1, 0.5], 1, {"control": 0.9, "b": 0.1})
    ai.does("experiment", "cf", "--share", "0.3")
    assert (ai.reads("experiment", "cf")["rollout"], ai.reads("experiment", "cf")["share"]["b"]) == (None, 0.3)


def test_a_shadow_shows_what_was_compared(ai: Ascend) -> None:
    ai.applies(TRIAL + "shadow = true\n")
    assert (ai.reads("experiment", "cf")["shadow"], ai.reads("experiment", "cf")["compared"]) == (True, [])
    assert "no answer of a shadow was compared yet" in ai.does("experiment", "cf")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("experiment", "cff", "--hold"), 1, "no experiment 'cff'; did you mean 'cf'?"),
        (("experiment", "--hold"), 2, "NAME is missing"),
        (("experiment", "cf", "--hold", "--resume"), 2, "choose one"),
        (("experiment", "cf", "--share", "1.5"), 2, "write it from 0 to 1"),
        (("experiment", "cf", "--share", "nan"), 2, "write it from 0 to 1"),
        (("experiment", "cf", "--share", "c=0.5"), 1, "has no arm 'c'"),
        (("apply", "/nowhere/ai.toml"), 2, "No such file"),
        (("rollback", "0"), 2, "0 is not in the range"),
    ],
)
def test_a_refusal_names_the_way_out(ai: Ascend, words: tuple[str, ...], code: int, said: str) -> None:
    ai.applies(TRIAL)
    refused = ai.says(*words)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert said in refused.stderr


def test_a_provider_on_a_private_address_says_what_lets_the_gateway_call_it(ai: Ascend) -> None:
    """Else the first call finds out."""
    said = ai.applies('[routes.house]\ntargets = ["ollama/llama3.2"]\n')
    assert "127.0.0.1:11434 in ASCEND_EGRESS_ALLOW" in said.stderr
    assert ai.reads("apply", str(ai.folder / "ai.toml"), "--dry-run")["notes"]
    assert "EGRESS" not in ai.applies(ROUTE).stderr


def test_a_base_url_without_the_path_that_such_apis_have_is_noted(ai: Ascend) -> None:
    """Each call would end in the provider's 404; of those that come along nothing is said."""
    said = ai.applies('[providers.house]\ndialect = "openai"\nbase_url = "https://llm.example.com"\n' + ROUTE)
    assert "providers.house.base_url: has no path; most APIs like OpenAI's begin at …/v1" in said.stderr
    assert "perplexity" not in said.stderr
