"""Who is forgotten is named by no document that whoever forgets may see, where they want that; and they are told which do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oauth.principal import Principal
from server.app import Gateway
from tests.gateway import opened
from tests.server.documents.test_rag_operations import SCOPES, Asking

DANA = {"kind": "person", "name": "Dana Quillfeather", "keys": {"email": "dana@kahuna.example"}}
FACT = {"subject": "Kahuna", "predicate": "champion", "value": DANA}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def ada(gateway: Gateway) -> Asking:
    return Asking(gateway, Principal("default", "ada", "client", SCOPES, "grant"))


@pytest.fixture
def bo(gateway: Gateway) -> Asking:
    return Asking(gateway, Principal("default", "bo", "client", SCOPES, "grant"))


def _holding(folder: Path, word: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


async def test_documents_that_name_who_is_forgotten_are_told_and_go_where_that_is_wanted(ada: Asking, bo: Asking, tmp_path: Path) -> None:
    await ada.ask("context_assert", facts=[FACT])
    letter = await ada.upload("letter.md", "We write to DANA QUILLFEATHER, as she asked.")
    label = await ada.upload("plan.md", "A plan of ours.", metadata={"owner": "dana@kahuna.example"})
    await ada.upload("other.md", "Dana and a feather: a quill for others.")
    await bo.upload("diary.md", "Dana Quillfeather sings.", private=True)
    would = await ada.ask("context_forget", entity=DANA, dry_run=True)
    named = would["named_in"]
    assert (named["documents"], sorted(named["ids"]), named["deleted"], named["unread"]) == (2, sorted([letter, label]), False, 0)
    told = (await ada.outcome("context_forget", entity=DANA, documents=True)).confirmation
    assert told is not None
    assert "forgotten by everybody" in told.message
    done = (await ada.agreed("context_forget", entity=DANA, documents=True)).data
    assert (done["rows"]["documents"], done["named_in"]["deleted"]) == (2, True)
    assert sorted(each["name"] for each in (await bo.ask("rag_documents"))["documents"]) == ["diary.md", "other.md"]
    assert _holding(tmp_path, b"as she asked") == []


async def test_documents_stay_where_nobody_wants_them_gone(ada: Asking) -> None:
    await ada.ask("context_assert", facts=[FACT])
    letter = await ada.upload("letter.md", "We write to Dana Quillfeather.")
    done = (await ada.agreed("context_forget", entity=DANA)).data
    assert (done["named_in"]["ids"], done["named_in"]["deleted"], "documents" in done["rows"]) == ([letter], False, False)
    assert await ada.found("who is written to?") == ["letter.md"]
