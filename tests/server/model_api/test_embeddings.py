"""Texts are embedded once: seven days, each by itself, within one tenant and model (AI gateway contract, `cache_s`)."""

from typing import Any

from tests.server.model_api.conftest import Models


async def embed(models: Models, texts: Any, key: str | None = None, **more: Any) -> tuple[str, list[list[float]]]:
    response = await models.post("/v1/embeddings", {"model": "one/embeds", "input": texts, **more}, key=key)
    assert response.status_code == 200, response.text
    rows = response.json()["data"]
    assert [row["index"] for row in rows] == list(range(len(rows)))
    return response.headers["x-gateway-cache"], [row["embedding"] for row in rows]


async def test_only_the_texts_that_are_new_are_asked_for(models: Models) -> None:
    assert await embed(models, ["a", "bb"]) == ("miss", [[1.0, 1.0], [2.0, 1.0]])
    assert await embed(models, ["bb", "ccc", "a"]) == ("miss", [[2.0, 1.0], [3.0, 1.0], [1.0, 1.0]])
    assert await embed(models, "ccc") == ("hit", [[3.0, 1.0]])
    assert [body["input"] for _path, _headers, body in models.provider.asked] == [["a", "bb"], ["ccc"]]


async def test_another_tenant_another_size_and_tokens_are_other_questions(models: Models) -> None:
    await embed(models, ["a"])
    assert (await embed(models, ["a"], key=await models.mint("globex")))[0] == "miss"
    assert (await embed(models, ["a"], dimensions=64))[0] == "miss"
    response = await models.post("/v1/embeddings", {"model": "one/embeds", "input": ["a"]}, headers={"x-gateway-skip-cache": "true"})
    assert response.headers["x-gateway-cache"] == "bypass"
    assert len(models.provider.asked) == 4


async def test_behind_a_route_of_two_models_a_list_is_asked_for_whole(models: Models) -> None:
    """Either may answer for what is missing, and the vectors of one answer are of one model."""
    await models.configure(routes={"both": {"targets": ["one/embeds", "two/embeds-2"]}})
    for texts in (["a"], ["a", "bb"], ["bb", "a"]):
        response = await models.post("/v1/embeddings", {"model": "both", "input": texts})
        assert response.status_code == 200
    assert [body["input"] for _path, _headers, body in models.provider.asked] == [["a"], ["a", "bb"]]
