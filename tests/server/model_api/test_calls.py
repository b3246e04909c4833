"""Model calls through the whole application: what passes, what is kept back, and what is on record afterwards."""

import asyncio

import orjson
import pytest

from tests.server.model_api.conftest import BASE, HURRIED, Models
from tests.server.model_api.provider import KEY, WORDS


def events(text: str) -> list[str]:
    return [block.removeprefix("data: ") for block in text.split("\n\n") if block]


async def test_an_answer_passes_and_says_what_was_done(models: Models) -> None:
    response = await models.chat("one/m")
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == "".join(WORDS)
    assert response.headers["x-gateway-model"] == "one/m"
    assert response.headers["x-tokens-used"] == "14"
    assert response.headers["x-request-id"] == "theirs"
    assert "set-cookie" not in response.headers
    (row,) = await models.rows()
    assert (row.id, row.outcome, row.usage.output_tokens) == (response.headers["x-gateway-request-id"], "ok", 4)
    assert row.tenant_id == "acme"


async def test_the_provider_gets_its_own_key_and_nothing_of_ours(models: Models) -> None:
    headers = {"x-gateway-user": "ada", "cookie": "session=1", "x-forwarded-for": "1.2.3.4", "cf-ray": "x", "x-api-key": models.key}
    await models.chat("one/m", headers=headers)
    ((_path, sent, body),) = models.provider.asked
    assert sent["authorization"] == f"Bearer {KEY}"
    assert not {"x-gateway-user", "cookie", "x-forwarded-for", "cf-ray", "x-api-key"} & set(sent)
    assert body["model"] == "m"
    assert models.key not in str(sent) + str(body)


async def test_a_stream_passes_with_a_last_word_before_its_end(models: Models) -> None:
    response = await models.chat("one/m", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    seen = events(response.text)
    assert seen[-1] == "[DONE]"
    said = orjson.loads(seen[-2].removeprefix(": gateway "))
    assert (said["request_id"], said["output_tokens"], said["estimated"]) == (response.headers["x-gateway-request-id"], 4, False)
    # Usage was asked for by the gateway alone, and is kept from who did not ask.
    assert not any('"usage": {' in each for each in seen)


async def test_beside_many_streams_events_come_together_and_none_is_lost(models: Models) -> None:
    alone = events((await models.chat("one/m", stream=True)).text)
    for _ in range(600):
        models.gateway.ai_gateway.calls.turns.opened("acme")
    beside = events((await models.chat("one/m", stream=True)).text)
    assert [each for each in beside if not each.startswith(":")] == [each for each in alone if not each.startswith(":")]


async def test_a_stream_that_breaks_off_never_ends_like_a_whole_one(models: Models) -> None:
    response = await models.chat("one/cuts", stream=True)
    seen = events(response.text)
    assert "[DONE]" not in seen
    assert orjson.loads(seen[-1])["error"]["code"] == "stream_interrupted"
    (row,) = await models.rows()
    assert (row.outcome, row.usage.is_estimated) == ("interrupted", True)


async def test_a_stream_that_falls_silent_is_ended_by_an_error(models: Models) -> None:
    await models.configure(defaults=HURRIED)
    response = await models.chat("one/stalls", stream=True)
    assert "fell silent" in orjson.loads(events(response.text)[-1])["error"]["message"]


async def test_held_back_a_cut_starts_over_elsewhere(models: Models) -> None:
    await models.configure(routes={"r": {"targets": ["one/cuts", "two/m"]}})
    response = await models.chat("r", stream=True, headers={"x-gateway-stream": "reliable"})
    assert events(response.text)[-1] == "[DONE]"
    assert response.headers["x-gateway-provider"] == "two"


@pytest.mark.parametrize(
    ("first", "answered_by"),
    [("one/fails-503", "two"), ("one/fails-429", "two"), ("one/fails-401", "two"), ("one/silent", "two"), ("one/fails-400", "one")],
)
async def test_a_target_that_fails_is_followed_by_the_next_and_a_wrong_request_is_not(models: Models, first: str, answered_by: str) -> None:
    await models.configure(routes={"r": {"targets": [first, "two/m"]}}, defaults=HURRIED)
    response = await models.chat("r")
    assert response.headers["x-gateway-provider"] == answered_by
    assert response.status_code == (400 if answered_by == "one" else 200)


async def test_who_refuses_our_key_is_not_the_callers_business(models: Models) -> None:
    response = await models.chat("one/fails-401")
    assert (response.status_code, response.headers["x-gateway-error"]) == (502, "upstream_failed")
    assert "operator" in response.json()["error"]["message"]


async def test_a_provider_that_repeats_our_key_is_quoted_without_it(models: Models) -> None:
    response = await models.chat("one/echoes")
    assert response.status_code == 400
    assert KEY not in response.text + str(response.headers)
    assert KEY not in str(await models.rows())


async def test_a_key_that_is_cut_in_two_between_pieces_is_found(models: Models) -> None:
    """Of a path that nobody knows, whose bytes pass as they come; what only begins like it comes through."""
    await models.configure(gateways={"agents": {"tenant": "acme"}})
    response = await models.post("/v1/acme/agents/one/v1/unknown", {"model": "splits", "stream": True})
    # Nor is there a comment of ours in what are no events.
    assert (response.text, response.headers["content-type"]) == ("said: Bearer *** and sk-of", "audio/x-words")


async def test_a_target_that_keeps_failing_is_left_alone(models: Models) -> None:
    for _ in range(6):
        await models.chat("one/fails-503")
    assert len(models.provider.asked) == 3
    response = await models.chat("one/fails-503")
    assert (response.status_code, response.headers["x-gateway-error"]) == (503, "no_target")
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"model": 7, "messages": []}', b'{"model": "one/m", "messages": "x"}', b'{"model": "one/m"}']
)
async def test_wrong_bodies_are_told_what_is_wrong_in_the_callers_dialect(models: Models, body: bytes) -> None:
    response = await models.post("/v1/chat/completions", body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    response = await models.post("/v1/messages", body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert not models.provider.asked


async def test_nobody_and_somebody_unknown_hear_the_same(models: Models) -> None:
    said = {
        (await models.chat("one/m", key=key)).text.partition("request_id")[0] for key in ("", "x", "asc_ak_" + "0" * 43, models.key + "a")
    }
    assert len(said) == 1
    response = await models.post("/v1/messages", {}, key="x")
    assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_error")
    where = response.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
    assert (await models.http.get(where)).json()["resource"] == f"{BASE}/v1"


async def test_two_different_keys_leave_open_who_calls_and_that_is_said(models: Models) -> None:
    response = await models.chat("one/m", headers={"x-api-key": "another"})
    assert response.status_code == 401
    assert "two different keys" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/v1/messages", "/v1/messages"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/messages/count_tokens", "/v1/messages/count_tokens"),
    ],
)
async def test_a_base_url_with_too_much_or_too_little_is_told_which_path_was_meant(models: Models, path: str, meant: str) -> None:
    """OpenAI's SDK takes its base URL with /v1, Anthropic's without."""
    response = await models.post(path, {})
    assert (response.status_code, response.headers["x-gateway-error"]) == (404, "model_not_found")
    assert f" {meant} was probably meant" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "wrong", "allow"),
    [
        ("/v1/chat/completions", "GET", "POST, OPTIONS"),
        ("/v1/messages", "DELETE", "POST, OPTIONS"),
        ("/v1/feedback", "PUT", "POST, OPTIONS"),
        ("/v1/models", "POST", "GET, HEAD, OPTIONS"),
        ("/v1/models/one%2Fm", "DELETE", "GET, HEAD, OPTIONS"),
        ("/v1/acme/agents/one/v1/files", "GET", "POST, OPTIONS"),
    ],
)
async def test_a_wrong_method_hears_which_are_right(models: Models, path: str, wrong: str, allow: str) -> None:
    """RFC 9110 §15.5.6, §9.3.7; in the dialect of the address."""
    refused = await models.http.request(wrong, path)
    assert (refused.status_code, refused.headers["allow"], refused.headers["x-gateway-error"]) == (405, allow, "invalid_request")
    assert refused.json()["error"]["message"]
    asked = await models.http.options(path)
    assert (asked.status_code, asked.headers["allow"]) == (204, allow)
    assert "access-control-allow-origin" not in asked.headers


async def test_pages_that_may_call_read_answers_and_others_learn_nothing(models: Models) -> None:
    """As at /mcp: our own origin, and on loopback every other one of it."""
    path, ours, other = "/v1/chat/completions", {"origin": "http://localhost:5173"}, {"origin": "https://evil.example"}
    preflight = await models.http.options(path, headers=ours | {"access-control-request-method": "POST"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert {"Authorization", "X-Api-Key"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    for stream in (False, True):
        assert (await models.chat("one/m", stream=stream, headers=ours)).headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in (await models.chat("one/m", stream=stream, headers=other)).headers
    assert (await models.chat("one/m", key="x", headers=ours)).headers["access-control-allow-origin"] == "*"
    refused = [await models.chat("one/m", key="x", headers=other), await models.http.options(path, headers=other)]
    assert not any(name.startswith("access-control") for each in refused for name in each.headers)


async def test_what_only_an_operator_can_mend_names_the_command_and_is_not_repeated(models: Models) -> None:
    """SDKs would wait for a minute, twice."""
    response = await models.chat("openai/gpt-5.2")
    assert "`ascend connection add-key openai --tenant acme`" in response.json()["error"]["message"]
    response = await models.chat("workers_ai/@cf/meta/llama")
    assert (response.status_code, response.headers["x-should-retry"]) == (503, "false")
    assert "base_url" in response.json()["error"]["message"]
    # a provider that asks for no key, at an address that nobody allowed
    await models.configure(providers={"ollama": {"base_url": "http://10.9.8.7/v1"}})
    assert "ASCEND_EGRESS_ALLOW" in (await models.chat("ollama/llama3.2")).json()["error"]["message"]


async def test_a_gateway_of_another_tenant_is_none(models: Models) -> None:
    await models.configure(gateways={"agents": {"tenant": "acme"}})
    body = {"model": "one/m", "messages": []}
    assert (await models.post("/v1/acme/agents/compat/chat/completions", body)).status_code == 200
    other = await models.mint("globex")
    assert (await models.post("/v1/acme/agents/compat/chat/completions", body, key=other)).status_code == 403
    assert (await models.post("/v1/globex/agents/compat/chat/completions", body, key=other)).status_code == 403


async def test_an_equal_question_is_answered_from_memory_within_its_tenant(models: Models) -> None:
    await models.configure(routes={"r": {"targets": ["one/m"], "cache_s": 60}})
    first, second = await models.chat("r"), await models.chat("r", user="somebody")
    assert (first.headers["x-gateway-cache"], second.headers["x-gateway-cache"]) == ("miss", "hit")
    assert second.json() == first.json()
    played = await models.chat("r", stream=True)
    assert played.headers["x-gateway-cache"] == "hit"
    assert events(played.text)[-1] == "[DONE]"
    other = await models.chat("r", key=await models.mint("globex"))
    assert other.headers["x-gateway-cache"] == "miss"
    assert (await models.chat("r", temperature=0.5)).headers["x-gateway-cache"] == "miss"
    assert len(models.provider.asked) == 3


async def test_equal_streams_at_once_are_one_call(models: Models) -> None:
    """Whoever comes second is answered from memory as soon as the first is done, streamed or not."""
    await models.configure(routes={"r": {"targets": ["one/m"], "cache_s": 60}})
    replies = await asyncio.gather(*(models.chat("r", stream=number % 2 == 0) for number in range(6)))
    assert sorted(reply.headers["x-gateway-cache"] for reply in replies) == ["hit"] * 5 + ["miss"]
    assert len(models.provider.asked) == 1


async def test_who_waits_for_a_stream_that_breaks_off_asks_themselves(models: Models) -> None:
    await models.configure(routes={"r": {"targets": ["one/cuts"], "cache_s": 60}})
    replies = await asyncio.gather(*(models.chat("r", stream=True) for _ in range(2)))
    assert len(models.provider.asked) == 2
    assert all("stream_interrupted" in reply.text for reply in replies)


async def test_a_stream_is_kept_for_whoever_asks_streamed_or_not(models: Models) -> None:
    await models.configure(routes={"r": {"targets": ["one/m"], "cache_s": 60}})
    await models.chat("r", stream=True)
    whole = await models.chat("r")
    assert whole.headers["x-gateway-cache"] == "hit"
    assert whole.json()["choices"][0]["message"]["content"] == "".join(WORDS)
    assert whole.json()["usage"]["completion_tokens"] == 4
    again = await models.chat("r", stream=True, stream_options={"include_usage": True})
    assert again.headers["x-gateway-cache"] == "hit"
    assert '"completion_tokens":4' in again.text
    assert len(models.provider.asked) == 1


async def test_a_failure_is_not_kept(models: Models) -> None:
    await models.configure(routes={"r": {"targets": ["one/fails-400"], "cache_s": 60}, "s": {"targets": ["one/cuts"], "cache_s": 60}})
    for _ in range(2):
        assert (await models.chat("r")).headers["x-gateway-cache"] == "miss"
        await models.chat("s", stream=True)
    assert len(models.provider.asked) == 4


async def test_a_budget_that_is_used_up_refuses_and_says_whose_it_is(models: Models) -> None:
    price = {"model": "one/*", "from": "2026-01-01", "input": 0, "output": 1000}
    budget = {"name": "small", "tenant": "acme", "window": "total", "usd": 0.01}
    await models.configure(prices=[price], budgets=[budget])
    answers = [await models.chat("one/m", max_tokens=5) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 402, 402]
    assert answers[0].headers["x-gateway-cost"] == "0.004"
    assert "small" in answers[-1].json()["error"]["message"]
    assert answers[-1].headers["x-should-retry"] == "false"


async def test_a_token_for_tools_calls_no_model_and_the_other_way_round(models: Models) -> None:
    response = await models.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert response.status_code == 401


async def test_held_back_a_providers_own_words_are_heard_where_nobody_else_answers(models: Models) -> None:
    response = await models.chat("one/errs", stream=True, headers={"x-gateway-stream": "reliable"})
    assert response.status_code == 503
    assert "Overloaded" in response.text


async def test_a_callers_own_key_is_not_repeated_either(models: Models) -> None:
    """No body holds a key: a provider that quotes it is quoted without it."""
    await models.configure(tenants={"acme": {"caller_keys": True}})
    own = "sk-of-the-caller-0123456789"
    headers = {"authorization": f"Bearer {own}", "x-gateway-authorization": f"Bearer {models.key}"}
    response = await models.chat("one/echoes", headers=headers)
    ((_path, sent, _body),) = models.provider.asked
    assert sent["authorization"] == f"Bearer {own}"
    assert response.status_code == 400
    assert own not in response.text


async def test_what_has_no_stream_is_answered_whole_whatever_it_says(models: Models) -> None:
    response = await models.post("/v1/messages/count_tokens", {"model": "one/m", "messages": [], "stream": True})
    assert response.headers["content-type"] == "application/json"
    assert response.json()["input_tokens"] > 0
    response = await models.post("/v1/embeddings", {"model": "one/embeds", "input": "x", "stream": True})
    assert response.json()["object"] == "list"


async def test_nobody_opens_a_circuit_for_others_by_having_no_patience(models: Models) -> None:
    """Tenants share the operator's key, and its circuit."""
    await models.configure(defaults=HURRIED | {"breaker": {"failures": 3, "window_s": 30, "open_s": 30}})
    for _ in range(4):
        assert (await models.chat("one/stalls", headers={"x-gateway-timeout-ms": "1"})).status_code == 504
    other = await models.mint("globex")
    assert (await models.chat("one/stalls", stream=True, key=other)).status_code == 200


async def test_what_a_provider_does_to_ones_own_key_is_nothing_to_anothers(models: Models) -> None:
    await models.configure(tenants={"acme": {"caller_keys": True}, "globex": {"caller_keys": True}})
    theirs = {"x-gateway-authorization": f"Bearer {models.key}", "authorization": "Bearer sk-used-up"}
    for _ in range(4):
        await models.chat("one/fails-503", headers=theirs)
    assert (await models.chat("one/fails-503", headers=theirs)).headers["x-gateway-error"] == "no_target"
    others = {"x-gateway-authorization": f"Bearer {await models.mint('globex')}", "authorization": "Bearer sk-good"}
    assert "x-gateway-error" not in (await models.chat("one/fails-503", headers=others)).headers


async def test_names_that_are_kept_have_a_length(models: Models) -> None:
    """A model of megabytes would stand in rows, circuits and what is known of targets; a user likewise."""
    response = await models.chat("one/" + "m" * 600)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "model"
    await models.chat("one/m", user="u" * 100_000)
    (row, *_rest) = await models.rows()
    assert len(row.user) <= 512


@pytest.mark.parametrize("said", ["inf", "nan", "1e400", "-5", "Fri, 31 Dec 9999 23:59:59 -9999", "x" * 5_000])
async def test_whatever_a_provider_says_of_waiting_its_refusal_is_told(models: Models, said: str) -> None:
    response = await models.chat("one/limits", retry_after=said)
    assert response.status_code == 429
