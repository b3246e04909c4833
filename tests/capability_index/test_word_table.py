"""The word table: the same tokens as the tokenizer it was made with, from a file that is mapped."""

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.encoders.word_file import load_words, word_files
from capability_index.errors import EncoderUnavailable

NAME = "words.table"


def reference() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(word_files()[1]))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def texts() -> list[str]:
    """Every piece of the vocabulary, and made-up words of all scripts."""
    chance = random.Random(7)
    signs = 'abcdeilnorstxyzABC <>/sunk\u2581é漢字🎉\u200b0123._-{}"\\\x00\n'
    found = [piece.replace("\u2581", " ").strip() for piece in json.loads(word_files()[1].read_bytes())["model"]["vocab"]]
    found += ["".join(chance.choice(signs) for _ in range(chance.randrange(40))) for _ in range(3_000)]
    spans = ((0x20, 0x250), (0x370, 0x700), (0x3000, 0xD000), (0x1F300, 0x1FA00))
    found += ["".join(chr(chance.randrange(*chance.choice(spans))) for _ in range(chance.randrange(30))) for _ in range(3_000)]
    return [*found, "", "<s>", "a</s>b", "<unk><unk>", " <s> ", "a" * 200, "<s", "forecasting", "getUserInfo_v2"]


def test_words_fall_into_the_pieces_that_the_table_was_made_for() -> None:
    """The reference tokenizer of the distribution: other ids would give other vectors."""
    tokenizer, pieces = reference(), load_words(None).pieces
    different = [text for text in texts() if tuple(tokenizer.encode(text, add_special_tokens=False).ids) != pieces.split(text)]
    assert different == []


def test_a_mapped_table_gives_the_same_vectors(table: WordTable, tmp_path: Path) -> None:
    """Kept in the data directory: read without converting, shared by processes."""
    for _made_then_mapped in range(2):
        mapped = load_word_table(tmp_path / "index")
        sentences = ["weather forecast", "Wie wird das Wetter", "", "漢字 <s>"]
        assert np.array_equal(mapped.encode(sentences), table.encode(sentences))
    assert [path.name for path in (tmp_path / "index").iterdir()] == [NAME]


@pytest.mark.parametrize("damage", [b"", b"\0" * 8, b"\xff" * 64, b"half"])
def test_a_damaged_file_is_made_anew(damage: bytes, table: WordTable, tmp_path: Path) -> None:
    """Nothing is lost: the distribution is the truth."""
    load_word_table(tmp_path)
    intact = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(intact[: len(intact) // 2] if damage == b"half" else damage)
    assert np.array_equal(load_word_table(tmp_path).encode(["weather"]), table.encode(["weather"]))
    assert (tmp_path / NAME).read_bytes() == intact


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    """A checksum over the arrays: a wrong vector would go unseen."""
    load_word_table(tmp_path)
    intact = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(intact[:-1_000_000] + bytes([intact[-1_000_000] ^ 1]) + intact[-999_999:])
    load_word_table(tmp_path)
    assert (tmp_path / NAME).read_bytes() == intact


def test_a_directory_that_cannot_be_written_costs_only_memory(table: WordTable, tmp_path: Path) -> None:
    """A read-only data directory."""
    (tmp_path / "file").write_text("in the way")
    assert np.array_equal(load_word_table(tmp_path / "file").encode(["weather"]), table.encode(["weather"]))


def test_another_version_of_the_distribution_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade under a kept data directory."""
    load_words(tmp_path)
    before = (tmp_path / NAME).read_bytes()
    files = []
    for file in word_files():
        copy = tmp_path / file.name
        copy.write_bytes(file.read_bytes())
        os.utime(copy, ns=(1, 1))
        files.append(copy)
    monkeypatch.setattr("capability_index.encoders.word_file.word_files", lambda: tuple(files))
    load_words(tmp_path)
    assert (tmp_path / NAME).read_bytes() != before
    files[1].write_text("{}")
    with pytest.raises(EncoderUnavailable, match="does not load"):
        load_words(tmp_path)


def test_words_near_a_word_are_those_of_the_table(table: WordTable) -> None:
    """What a tenant wrote has no part in it: the list is the same for all."""
    buyer, gone = table.near_words.near(["buyers", "deleted"], table.encode)
    assert {"buyer", "purchas"} & buyer.keys()
    assert "delet" in gone
    assert "delet" not in buyer
    assert list(buyer.values()) == sorted(buyer.values(), reverse=True)
