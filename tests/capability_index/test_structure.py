"""An operation is found that does what was asked, to the thing that was asked about."""

from dataclasses import replace

from capability_index.documents import Document, ParameterText
from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from capability_index.search import Visible

EVERYTHING = Visible(("*",))


def chat(provider: str = "chat") -> list[Document]:
    """Return the operations of a small chat, as an importer names them."""
    lines = """
    channels.messages.list GET /channels/{channel_id}/messages read List messages
    channels.messages.create POST /channels/{channel_id}/messages write Create message
    channels.messages.get GET /channels/{channel_id}/messages/{message_id} read Get message
    channels.messages.delete DELETE /channels/{channel_id}/messages/{message_id} destructive Delete message
    channels.messages.reactions.create PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji} write Add reaction
    channels.messages.reactions.list GET /channels/{channel_id}/messages/{message_id}/reactions read List reactions
    channels.pins.create PUT /channels/{channel_id}/pins/{message_id} write Pin message
    channels.pins.delete DELETE /channels/{channel_id}/pins/{message_id} destructive Unpin message
    channels.delete DELETE /channels/{channel_id} destructive Delete channel
    rooms.members.list GET /rooms/{room_id}/members read List members
    rooms.get GET /rooms/{room_id} read Get room
    oncalls.list GET /oncalls read List all of the oncalls
    jobs.create POST /jobs write Create job
    jobs.list GET /jobs read List jobs
    jobs.cancel POST /jobs/{job_id}/cancel write Cancel job
    jobs.resume POST /jobs/{job_id}/resume write Resume job
    """
    found = []
    for line in lines.strip().splitlines():
        slug, method, path, access, *words = line.split()
        text = " ".join(words)
        found.append(Document(f"{provider}.{slug}", text, text, provider=provider, path=path, method=method, access=access))
    return found


def best(table: WordTable | None, intent: str, documents: list[Document]) -> str:
    index = CapabilityIndex(table)
    index.upsert("*", documents)
    return index.search(intent, EVERYTHING, 3).hits[0].slug


def test_the_plain_operation_of_the_thing_itself_comes_before_what_is_below_it(table: WordTable) -> None:
    assert best(table, "send a message to a channel", chat()) == "chat.channels.messages.create"


def test_nothing_that_removes_is_first_where_nothing_was_to_be_removed(table: WordTable) -> None:
    assert best(table, "pin a message", chat()) == "chat.channels.pins.create"
    assert best(table, "unpin a message", chat()) == "chat.channels.pins.delete"


def test_many_are_listed_and_one_is_got(table: WordTable) -> None:
    assert best(table, "show the messages of a channel", chat()) == "chat.channels.messages.list"


def test_a_list_is_not_first_where_one_thing_was_asked_for(table: WordTable) -> None:
    assert best(table, "show the message in the channel", chat()) == "chat.channels.messages.get"


def test_a_path_that_ends_in_json_tells_one_from_many_as_well(table: WordTable) -> None:
    named = [replace(document, path=f"{document.path}.json") for document in chat()]
    assert best(table, "show the message in the channel", named) == "chat.channels.messages.get"
    assert best(table, "show the messages in the channel", named) == "chat.channels.messages.list"


def test_of_two_that_say_the_same_the_one_that_takes_more_is_the_plain_one(table: WordTable) -> None:
    plain = Document("mail.send", "Send mail", "Send a mail.", provider="mail", path="/mail", method="POST", access="write")
    many = tuple(ParameterText(name) for name in ("from", "reply", "subject", "content", "attachments", "headers"))
    assert best(table, "send a mail", [plain, replace(plain, slug="mail.post", parameters=many)]) == "mail.post"


def test_a_title_that_says_more_than_was_asked_comes_later(table: WordTable) -> None:
    plain = Document("mail.send", "Send mail", "Send a mail.", provider="mail", path="/mail", method="POST", access="write")
    assert best(table, "send a mail", [replace(plain, slug="mail.a", title="Send scheduled mail batch"), plain]) == "mail.send"


def test_words_that_look_like_verbs_name_what_is_asked_for(table: WordTable) -> None:
    documents = [
        Document(
            "tel.recordings.create", "Create recording", "Record a call.", provider="tel", path="/calls/{id}/recordings", method="POST"
        ),
        Document("tel.recordings.list", "List recordings", "List recordings.", provider="tel", path="/calls/{id}/recordings", method="GET"),
        Document("tel.recordings.delete", "Delete recording", "Delete it.", provider="tel", path="/recordings/{id}", method="DELETE"),
        Document("tel.trash.list", "List deleted recordings", "What is gone.", provider="tel", path="/trash/recordings", method="GET"),
    ]
    assert best(table, "recordings of a call", documents) == "tel.recordings.list"
    assert best(table, "record a call", documents) == "tel.recordings.create"
    assert best(table, "deleted recordings", documents) == "tel.trash.list"


def test_getting_something_back_restores_it(table: WordTable) -> None:
    documents = [
        Document("box.files.get", "Get file", "Get a file.", provider="box", path="/files/{id}", method="GET"),
        Document("box.files.delete", "Delete file", "Delete a file.", provider="box", path="/files/{id}", method="DELETE"),
        Document("box.files.restore", "Restore file", "Restore a file.", provider="box", path="/files/{id}", method="POST"),
    ]
    assert best(table, "get a deleted file back", documents) == "box.files.restore"


def test_stop_finds_cancel_and_no_other_act(table: WordTable) -> None:
    assert best(table, "stop the job", chat()) == "chat.jobs.cancel"


def test_who_asks_for_people(table: WordTable) -> None:
    assert best(table, "who is in this room", chat()) == "chat.rooms.members.list"


def test_two_words_find_what_the_document_writes_as_one(table: WordTable) -> None:
    assert best(table, "who is on call right now", chat()) == "chat.oncalls.list"


def test_a_provider_that_is_named_comes_first_and_its_name_is_not_cut_into_words(table: WordTable) -> None:
    both = [
        *chat("pagerduty"),
        *chat("service_now"),
        Document("pay.duty.get", "Get duty", "Get the duty now.", provider="pay", method="GET", access="read"),
    ]
    assert best(table, "list the jobs in PagerDuty", both).startswith("pagerduty.")
    assert best(table, "list the jobs in ServiceNow", both).startswith("service_now.")
    assert best(table, "list the jobs in service now", both).startswith("service_now.")


def test_a_name_that_is_also_a_thing_stays_a_word(table: WordTable) -> None:
    documents = [*chat("jobs"), *chat("mail")]
    assert best(table, "list jobs", documents) == "jobs.jobs.list"


def test_the_gateways_own_operations_answer_questions_about_the_gateway_only(table: WordTable) -> None:
    own = Document("gateway.calls.recent", "Recent calls", "List the last calls.", provider="gateway", access="read", is_own=True)
    calls = Document("phone.calls.list", "List calls", "List calls.", provider="phone", path="/calls", method="GET", access="read")
    assert best(table, "list the last calls", [own, calls]) == "phone.calls.list"
    assert best(table, "list the last calls of the gateway", [own, calls]) == "gateway.calls.recent"


def test_operations_without_method_and_access_are_ranked_as_before(table: WordTable) -> None:
    plain = [Document(document.slug, document.title, document.summary) for document in chat()]
    index = CapabilityIndex(table)
    index.upsert("*", plain)
    assert not any("asked" in reason for hit in index.search("pin a message", EVERYTHING, 3, explain=True).hits for reason in hit.reasons)


def test_reasons_say_that_it_does_what_was_asked(table: WordTable) -> None:
    index = CapabilityIndex(table)
    index.upsert("*", chat())
    assert {"does what was asked", "the thing itself"} <= set(
        index.search("delete the channel", EVERYTHING, 1, explain=True).hits[0].reasons
    )


def test_shapes_survive_a_change_that_joins_parts(table: WordTable) -> None:
    index = CapabilityIndex(table)
    for document in chat():
        index.upsert("*", [document])
    index.delete("*", ["chat.jobs.create"])
    assert index.search("stop the job", EVERYTHING, 1).hits[0].slug == "chat.jobs.cancel"
    assert index.search("show the messages of a channel", EVERYTHING, 1).hits[0].slug == "chat.channels.messages.list"


def test_naming_providers_leaves_only_theirs(table: WordTable) -> None:
    index = CapabilityIndex(table)
    index.upsert("*", [*chat("one"), *chat("two")])
    found = index.search("list jobs", Visible(("*",), None, frozenset({"two"})), 50).hits
    assert len(found) == len(chat())
    assert all(hit.slug.startswith("two.") for hit in found)
    assert not index.search("list jobs", Visible(("*",), None, frozenset({"three"})), 50).hits


def test_words_that_nothing_is_about_are_told(table: WordTable) -> None:
    index = CapabilityIndex(table)
    index.upsert("*", chat())
    found = index.search("create a ticket in jira", EVERYTHING, 3)
    assert "jira" in found.unmet
    assert "create" not in found.unmet
    assert not index.search("send a message to a channel", EVERYTHING, 3).unmet
