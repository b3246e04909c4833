"""`[limits]` is followed while the gateway runs, and what was used until then counts on."""

from pathlib import Path

import pytest

from server.config_versions.config import Config
from server.config_versions.read_document import config_of, read_toml
from server.rate_limits import LIMITS, RateLimited, RateLimits
from tests.conftest import REPOSITORY
from tests.gateway import served
from tests.waiting import until


def test_what_is_not_said_is_as_built_in() -> None:
    assert dict(Config().limits.in_force) == dict(LIMITS)
    said = config_of(read_toml(b"[limits.rates.token_client]\nburst = 70\n")).limits.in_force
    assert (said["token_client"].per_minute, said["token_client"].burst) == (LIMITS["token_client"].per_minute, 70)
    assert said["register"] == LIMITS["register"]


async def test_who_has_used_up_a_limit_has_used_it_up_when_it_is_another() -> None:
    limits = RateLimits(clock=lambda: 0.0)
    for _ in range(LIMITS["password_change"].burst):
        await limits.check("password_change", "ada")
    limits.change(config_of(read_toml(b"[limits.rates.password_change]\nburst = 12\n")).limits.in_force)
    for _ in range(2):
        await limits.check("password_change", "ada")
    with pytest.raises(RateLimited):
        await limits.check("password_change", "ada")


async def test_a_running_gateway_counts_by_what_was_applied(tmp_path: Path) -> None:
    async with served(tmp_path) as gateway:
        document = read_toml(b"[limits.rates.hook_source]\nburst = 60\n")
        await gateway.store.config_versions.put(document, "another process")
        await until(lambda: gateway.config.version == 1)
        for _ in range(60):
            await gateway.webhooks.endpoint.limits.check("hook_source", "a")
        with pytest.raises(RateLimited):
            await gateway.webhooks.endpoint.limits.check("hook_source", "a")


def test_the_guide_names_every_limit() -> None:
    guide = (REPOSITORY / "docs" / "guides" / "configuration.md").read_text(encoding="utf-8")
    assert not [name for name in LIMITS if f"`{name}`" not in guide]
