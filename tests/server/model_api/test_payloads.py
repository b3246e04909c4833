"""The words of calls: on record where tenant and caller both say so, bounded, without secrets, and nowhere else."""

import pytest

from tests.server.model_api.conftest import Models
from tests.server.model_api.provider import KEY, WORDS
from tools.ai_gateway.payloads.call_payload import CUT, MAX_CHARS
from tools.ai_gateway.records.log_row import log_row

ASKED = {"x-gateway-log-payload": "true"}
ALLOWED = {"acme": {"log_payloads": True}}


@pytest.mark.parametrize("stream", [False, True])
async def test_words_are_on_record_where_both_want_them(models: Models, stream: bool) -> None:
    """What came as a stream is kept as the answer that it stands for."""
    await models.configure(tenants=ALLOWED)
    await models.chat("one/m", headers=ASKED, stream=stream)
    (row,) = await models.rows()
    payload = log_row(row)["payload"]
    assert '"content":"hello"' in payload["request"].replace('": "', '":"')
    assert "".join(WORDS) in payload["answer"]


async def test_cloudflares_header_asks_for_the_same(models: Models) -> None:
    await models.configure(tenants=ALLOWED)
    await models.chat("one/m", headers={"cf-aig-collect-log-payload": "true"})
    (row,) = await models.rows()
    assert row.payload is not None


@pytest.mark.parametrize(("tenants", "headers"), [({}, ASKED), (ALLOWED, {}), (ALLOWED, {"x-gateway-log-payload": "false"})])
async def test_words_are_on_record_nowhere_unless_both_want_them(
    models: Models, tenants: dict[str, object], headers: dict[str, str]
) -> None:
    await models.configure(tenants=tenants)
    await models.chat("one/m", headers=headers)
    (row,) = await models.rows()
    assert row.payload is None
    assert log_row(row)["payload"] is None


async def test_a_refusal_and_a_stream_that_broke_off_are_kept_as_far_as_they_came(models: Models) -> None:
    await models.configure(tenants=ALLOWED)
    await models.chat("one/fails-400", headers=ASKED)
    await models.chat("one/cuts", headers=ASKED, stream=True)
    cut, refused = [row.payload for row in await models.rows()]
    assert refused is not None
    assert "no, 400" in refused.answer
    assert cut is not None
    assert WORDS[1] in cut.answer


async def test_what_is_kept_is_bounded_and_holds_no_secret(models: Models) -> None:
    """A prompt may quote keys, and a provider repeats ours."""
    await models.configure(tenants=ALLOWED)
    secret = "asc_ak_" + "s" * 43
    messages = [{"role": "user", "content": f"{secret} Bearer abcdefgh12345678 " + "é" * 2 * MAX_CHARS}]
    await models.chat("one/m", headers=ASKED, messages=messages)
    await models.chat("one/echoes", headers=ASKED)
    echoed, long = [row.payload for row in await models.rows()]
    assert long is not None
    assert len(long.request) <= MAX_CHARS
    assert long.request.endswith(CUT)
    assert not any(each in long.request for each in (secret, "abcdefgh12345678"))
    assert echoed is not None
    assert "wrong key" in echoed.answer
    assert KEY not in echoed.answer
