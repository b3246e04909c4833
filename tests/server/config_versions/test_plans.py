"""`[plans]` names plans beside those that are built in, and says how often whoever is on one may come."""

import pytest

from server.config_versions.config import Config
from server.config_versions.read_document import config_of, read_toml
from server.config_versions.sections.plans import Plans
from tests.conftest import REPOSITORY
from tools.versioned_documents.faults import ConfigInvalid


def plans_of(text: str) -> Plans:
    return config_of(read_toml(text.encode())).plans


def test_three_plans_are_built_in_and_nobody_is_on_one() -> None:
    plans = Config().plans
    assert [plans.hourly(name) for name in ("free", "pro", "enterprise", "")] == [100, 1_000, 10_000, None]


def test_a_document_adds_plans_changes_them_and_says_who_is_on_which() -> None:
    plans = plans_of('[plans]\ndefault = "free"\n[plans.requests_per_hour]\nteam = 5_000\npro = 2_000\n')
    assert [plans.hourly(name) for name in ("team", "pro", "enterprise", "")] == [5_000, 2_000, 10_000, 100]
    assert plans.hourly("withdrawn") == 100


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[plans]\ndefault = "fre"\n', "plans.default: no such plan; did you mean 'free'?"),
        ("[plans.requests_per_hour]\nfree = 0\n", "plans.requests_per_hour.free: must be at least 1"),
        ("[plans]\nfree = 100\n", "plans.free: no such name; there are default, requests_per_hour"),
    ],
)
def test_what_is_no_plan_is_refused_by_its_place(text: str, fault: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        plans_of(text)
    assert [str(each) for each in refused.value.faults] == [fault]


def test_the_guide_names_what_is_built_in() -> None:
    guide = (REPOSITORY / "docs" / "guides" / "configuration.md").read_text(encoding="utf-8")
    assert all(f"`{name}` {per_hour:,}" in guide for name, per_hour in Config().plans.in_force.items())
