"""Another word table is chosen by its folder: the manifest says what it is and how its vectors are made."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.encoders.manifest import SHIPPED, shipped
from capability_index.encoders.whole_words import WholeWords
from capability_index.encoders.word_file import word_files
from capability_index.errors import EncoderUnavailable
from capability_index.index import CapabilityIndex
from capability_index.search import Visible

OWN = Path(__file__).resolve().parents[3] / "shared" / "encoder"
is_here = pytest.mark.skipif(
    not (OWN / "ascend-words.safetensors").is_file(), reason="the folder of shared development data is not beside this repository"
)
EVERYTHING = Visible(("*",))


def test_the_shipped_table_is_the_installed_one(table: WordTable) -> None:
    assert table.model == SHIPPED
    assert word_files()[0].name == Path(shipped().vectors).name
    assert table.dimension == shipped().dimensions


@pytest.mark.parametrize(
    ("word", "ids"),
    [("refund", (0,)), ("refunding", (0, 1)), ("42", ()), ("order42x", (2,)), ("Über", ()), ("zzz", ()), ("refundOrder", (0, 2))],
)
def test_a_word_is_itself_or_its_longest_pieces_from_the_left(word: str, ids: tuple[int, ...]) -> None:
    assert WholeWords({"refund": 0, "##ing": 1, "order": 2}).split(word) == ids


def test_a_folder_without_a_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=r"manifest\.json"):
        load_word_table(chosen=tmp_path)


def test_a_manifest_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "half"}))
    with pytest.raises(EncoderUnavailable, match="not the manifest"):
        load_word_table(chosen=tmp_path)


@is_here
def test_a_file_that_the_manifest_does_not_name_is_refused(tmp_path: Path) -> None:
    shutil.copy(OWN / "vocab.txt", tmp_path)
    (tmp_path / "ascend-words.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(EncoderUnavailable, match="sha256"):
        load_word_table(chosen=tmp_path)


@is_here
def test_our_own_table_finds_by_meaning(catalogue: list[Document]) -> None:
    own = load_word_table(chosen=OWN)
    index = CapabilityIndex(own)
    index.upsert("*", catalogue)
    found = index.search("will it rain in Oslo tomorrow", EVERYTHING, 3)
    assert found.hits[0].slug == "weather.forecast"
    assert index.search("asdf qwer zxcv hjkl", EVERYTHING, 3).low_confidence


@is_here
def test_words_that_repeat_the_whole_count_less_in_a_request() -> None:
    own = load_word_table(chosen=OWN)
    assert not np.allclose(own.encode_request("send a message to a channel"), own.encode(["send a message to a channel"])[0])


class English:
    """An encoder that reads no Chinese: it takes a question about the weather for one about orders."""

    model, dimension = "english-2", 2

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray([[1, 0] if "订单" in text or text == "天气预报" else [0, 1] for text in texts], np.float32)


def test_a_chinese_request_is_answered_by_its_words_beside_an_english_encoder(table: WordTable) -> None:
    documents = [
        Document("a", "查询订单", "按客户查询订单列表"),
        Document("b", "发送邮件", "向收件人发送电子邮件"),
        Document("c", "天气", "天气预报"),
    ]
    index = CapabilityIndex(table)
    index.upsert("*", documents)
    index.reembed(English(), lambda _: documents)
    assert index.search("天气预报", EVERYTHING, 3).hits[0].slug == "c"
