"""docs/guides/agents.md: every call of the page is made in its order, and answers what the page says."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY
from tests.flows.agents.services import KEYS, Services
from tests.server.demo.listening import listening
from tests.server.importing.upstream_world import UpstreamWorld, upstream_world
from tools.sources.importing import ImportRequest, import_openapi

GUIDE = (REPOSITORY / "docs" / "guides" / "agents.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(json|text)\n(.*?)\n```$", GUIDE, re.DOTALL | re.MULTILINE)
#: what differs from run to run -> as the page may write it
VARYING = (
    (r"http://127\.0\.0\.1:\d+/(connect/)[\w-]+", r"https://ascend.example.com/\1…"),
    (r"http://127\.0\.0\.1:\d+/", r"https://api.example.com/"),
    (r'("trace_id":")\w+', r"\1…"),
    (r'("(?:confirm|resume)":"[cx]_)[\w-]+', r"\1…"),
    (r'("(?:ms|bytes_in|chars_out)":)[\d.]+', r"\g<1>0"),
    (r"\[[01]\.\d\d\]", "[0.00]"),
)

#: what reaches the services: nothing of a dry run, of a call without its confirmation or account, or of a fault
SENT = [
    "POST /tasks",
    "GET /tasks",
    "POST /tasks/t1/comments",
    "POST /tasks/t2/comments",
    "DELETE /projects/p2",
    "POST /channels/general/messages",
]


def masked(text: str) -> str:
    for pattern, kept in VARYING:
        text = re.sub(pattern, kept, text)
    return text


@asynccontextmanager
async def office(tmp_path: Path, services: Services) -> AsyncIterator[UpstreamWorld]:
    """A gateway whose person may call Board and Chat."""
    with listening(services.app()) as url:
        async with upstream_world(tmp_path) as world:
            for provider in ("board", "chat"):
                document = Path(__file__).with_name(f"{provider}.yaml")
                await import_openapi(world.gateway.store.operations, ImportRequest(str(document), provider, base_url=url))
            await world.until_found("send a message to a channel", "chat.channels.messages.send")
            yield world


def filled(call: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """Return the call's arguments, with what the answer before it gave in the place of what the page cuts short."""
    arguments = dict(call["arguments"])
    if "confirm" in arguments:
        arguments["confirm"] = last["confirmation"]["confirm"]
    if "resume" in arguments:
        arguments["resume"] = last["resume"]
    return arguments


def test_the_page_is_calls_and_their_answers_in_turn() -> None:
    """The reader of the page itself: four tasks, each call followed by what the model sees."""
    assert [kind for kind, _ in BLOCKS] == ["json", "text"] * (len(BLOCKS) // 2)
    assert len(re.findall(r"^## \d ", GUIDE, re.MULTILINE)) == 4
    assert {json.loads(block)["name"] for kind, block in BLOCKS if kind == "json"} == {"discover_apis", "call_api", "batch_execute"}


async def test_every_call_of_the_guide_answers_what_the_guide_says(tmp_path: Path) -> None:
    """A person opens each link that an answer holds, before the next call."""
    services = Services()
    async with office(tmp_path, services) as world:
        answer: dict[str, Any] = {}
        for (_, call_text), (_, shown) in zip(BLOCKS[::2], BLOCKS[1::2], strict=True):
            if "url" in answer.get("connection", {}):
                await world.walk(answer["connection"]["url"], **{name: key for name, (key, _header) in KEYS.items()})
            call = json.loads(call_text)
            answer = await world.call(call["name"], filled(call, answer))
            assert masked(answer["_text"]) == masked(shown), call_text
    assert sorted(services.requests) == sorted(SENT)
