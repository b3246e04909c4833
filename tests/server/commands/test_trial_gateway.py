"""The gateway that measurements ask: the parts of one that serves, over documents, without what is taken out."""

import json
from pathlib import Path

from server.commands.trial_gateway import open_trial


def document(title: str, path: str, summary: str) -> str:
    answer = {"200": {"description": "ok"}}
    return json.dumps(
        {"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "paths": {path: {"get": {"summary": summary, "responses": answer}}}}
    )


async def test_a_provider_that_is_left_out_is_neither_found_nor_there_and_comes_back(tmp_path: Path) -> None:
    for name, path, summary in (("zoo", "/zebras", "List all zebras"), ("bar", "/drinks", "List all drinks")):
        (tmp_path / f"{name}.json").write_text(document(name, path, summary), encoding="utf-8")
    async with open_trial({name: tmp_path / f"{name}.json" for name in ("zoo", "bar")}) as trial:
        before = await trial.discover(query="zebras")
        async with trial.without(["zoo"]):
            found, _low = await trial.find("zebras")
            assert {request.provider for request in found} <= {"bar", "gateway"}
            assert [operation.provider for operation in trial.imported()] == ["bar"]
        assert (await trial.discover(query="zebras")).text == before.text
        assert "zoo.zebras.get" in (before.text or "")
        assert (await trial.find("zebras", providers=["bar"]))[0][0].line == "GET /drinks"
