"""What no honest provider does, nor we: each ends in one clear answer, and nothing of it goes on to the caller."""

import pytest

from tests.server.model_api.conftest import Models
from tests.server.model_api.provider import KEY
from tools.ai_gateway.attempts import Attempts


@pytest.mark.parametrize(("asked", "told"), [("1e308", "604800"), ("nonsense", None), ("40", "40")])
async def test_however_long_a_provider_asks_to_wait_its_refusal_is_an_answer(models: Models, asked: str, told: str | None) -> None:
    response = await models.chat(f"one/waits-{asked}")
    assert (response.status_code, response.headers.get("retry-after")) == (429, told)
    assert KEY not in str(response.headers)


async def test_a_fault_of_ours_gives_back_what_was_set_aside(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is on record, like every call."""
    await models.configure(budgets=[{"name": "b", "tenant": "acme", "window": "total", "tokens": 10_000}])

    async def broken(*_given: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Attempts, "first", broken)
    assert (await models.chat("one/m")).status_code == 500
    (row,) = await models.rows()
    assert (row.status, row.outcome) == (500, "error")
    (counter,) = await models.gateway.store.budgets.counters(0)
    assert counter.reserved.tokens == 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [301, 304, 307])
async def test_a_redirect_is_followed_by_nobody_and_says_what_to_do(models: Models, status: int, stream: bool) -> None:
    """It would carry the caller's words and our key to where nobody configured."""
    response = await models.chat(f"one/redirects-{status}", stream=stream)
    assert (response.status_code, response.headers["x-gateway-error"]) == (502, "upstream_failed")
    assert f"one answered {status}" in response.json()["error"]["message"]
    assert not {"location", "set-cookie"} & set(response.headers)
    assert [path for path, _headers, _body in models.provider.asked] == ["/v1/chat/completions"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_status_that_there_is_not_is_no_answer(models: Models, stream: bool) -> None:
    """RFC 9110 §15; passed on, it ended our own answer in its middle."""
    response = await models.chat("one/fails-999", stream=stream)
    assert (response.status_code, response.headers["x-gateway-error"]) == (502, "upstream_failed")
