"""Documents of real providers come in whole by the command line, and people's words find their operations."""

import json
from pathlib import Path
from typing import Any

from anyio import to_thread

from oauth.principal import Principal
from oauth.scopes import BASELINE
from tests.command_line import ascend_here
from tests.gateway import bring_openapi, opened
from tools.catalog.signatures import MAX_SIGNATURE_CHARS
from tools.operation import ClientInfo

#: provider -> (document in the folder of shared data, operations that it has)
DOCUMENTS = {
    "box": ("box-openapi3.json", 296),
    "twilio": ("twilio-api-v2010.json", 197),
    "slack": ("slack-web-swagger2.json", 174),
}
INTENTS = {
    "create a new folder": "box.folders.create",
    "upload a file": "box.files.content.upload",
    "share a file with a link": "box.files.add_shared_link",
    "who has access to this folder": "box.folders.collaborations.list",
    "copy a file": "box.files.copy",
    "add someone to a group": "box.group_memberships.create",
    "send an SMS message": "twilio.messages.create",
    "make a phone call": "twilio.calls.create",
    "buy a phone number": "twilio.incoming_phone_numbers.create",
    "list the recordings of a call": "twilio.calls.recordings.list",
    "post a message to a channel": "slack.chat.post_message",
    "invite a user to a channel": "slack.conversations.invite",
    "find a user by e-mail address": "slack.users.lookup_by_email",
    "set a reminder": "slack.reminders.add",
    "get the members of a conversation": "slack.conversations.members",
    "schedule a message for later": "slack.chat.schedule_message",
}


def imported(data_dir: Path, document: Path, provider: str, *options: str) -> dict[str, Any]:
    words = ("import", "openapi", str(document), "--provider", provider, "--shared", "--json", *options)
    done = ascend_here(*words, data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def listed(data_dir: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ascend_here("import", "list", "--json", data_dir=data_dir).stdout)
    return rows


def test_each_document_comes_in_whole_and_a_dry_run_changes_nothing(shared_data: Path, tmp_path: Path) -> None:
    """Box (OpenAPI 3.0), Twilio (3.0), Slack (Swagger 2.0), beside each other in one catalogue."""
    slack, slack_count = DOCUMENTS["slack"]
    assert len(imported(tmp_path, shared_data / "specs" / slack, "slack", "--dry-run")["added"]) == slack_count
    assert listed(tmp_path) == []
    for provider, (name, count) in DOCUMENTS.items():
        answer = imported(tmp_path, shared_data / "specs" / name, provider)
        assert len(answer["added"]) == len(answer["operations"]) == count
        assert answer["skipped"] == []
    again = imported(tmp_path, shared_data / "specs" / slack, "slack", "--dry-run")
    assert again["unchanged"] == slack_count
    assert not again["added"] + again["changed"] + again["removed"]
    assert {row["provider"]: row["operations"] for row in listed(tmp_path)} == {name: count for name, (_, count) in DOCUMENTS.items()}


async def test_intents_find_their_operation_with_a_compact_signature(shared_data: Path, tmp_path: Path) -> None:
    """Each within the first five of 667 operations and the built-in ones."""
    caller = Principal("default", "ada", "test", frozenset(BASELINE), "grant", "local")
    missed: list[str] = []
    async with opened(tmp_path) as gateway:
        for provider, (name, _) in DOCUMENTS.items():
            await bring_openapi(gateway, shared_data / "specs" / name, provider)
        for intent, wanted in INTENTS.items():
            outcome = await gateway.operations.dispatcher.call(
                caller, "discover_apis", {"query": intent, "limit": 5}, client=ClientInfo("2026-07-28")
            )
            signatures = {hit["id"]: hit["signature"] for hit in outcome.data["results"]}
            if wanted not in signatures:
                missed.append(f"{intent}: {', '.join(signatures)}")
            elif len(signatures[wanted]) > MAX_SIGNATURE_CHARS:
                missed.append(f"{intent}: {signatures[wanted]} is long")
    assert missed == []
    words = ("index", "search", "post a message to a channel", "--limit", "5", "--json")
    found = await to_thread.run_sync(lambda: ascend_here(*words, data_dir=tmp_path))
    assert "slack.chat.post_message" in [hit["slug"] for hit in json.loads(found.stdout)["hits"]]
