"""What an upstream's body holds: every encoding and every odd label read as it was meant, nothing lost."""

import codecs
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tools.json_text import decode, encode
from tools.sources.http.content import MalformedContent, read_content, read_json, text_of
from tools.text.charsets import codec_of

OBJECT = {"type": "object"}
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "media_type", "data"),
    [
        (codecs.BOM_UTF8 + b'{"name":"Anna"}', JSON, {"name": "Anna"}),
        (codecs.BOM_UTF16_LE + '{"a":"ä"}'.encode("utf-16-le"), JSON, {"a": "ä"}),
        (codecs.BOM_UTF16_BE + '{"a":"ä"}'.encode("utf-16-be"), JSON, {"a": "ä"}),
        (codecs.BOM_UTF32_LE + '{"a":"ä"}'.encode("utf-32-le"), JSON, {"a": "ä"}),
        (codecs.BOM_UTF32_BE + '{"a":"ä"}'.encode("utf-32-be"), JSON, {"a": "ä"}),
        ('{"a":"ä"}'.encode("utf-16-le"), JSON, {"a": "ä"}),
        ('["ä"]'.encode("utf-16-be"), "application/json; charset=utf-16", ["ä"]),
        ('["ä"]'.encode("utf-32-le"), "application/json; charset=UTF-32", ["ä"]),
        ('["ä"]'.encode(), "application/json; charset=utf-16", ["ä"]),
        (b'{"city":"M\xe1laga"}', "application/json; charset=ISO-8859-1", {"city": "Málaga"}),
        (b'{"city":"M\xe1laga"}', JSON, {"city": "Málaga"}),
        ('{"city":"Málaga"}'.encode(), "application/json; charset=ISO-8859-1", {"city": "Málaga"}),
        ('{"city":"Łódź"}'.encode("iso-8859-2"), 'application/json;charset="iso-8859-2"', {"city": "Łódź"}),
        ('{"city":"東京"}'.encode("shift_jis"), "application/json; charset=Shift_JIS", {"city": "東京"}),
        ('{"city":"東京"}'.encode("iso2022_jp"), "application/json; charset=iso-2022-jp", {"city": "東京"}),
        (b'{"a":1}', "application/json; charset=idna", {"a": 1}),
        (b"\n", JSON, None),
        (b" \r\n\t ", JSON, None),
        (codecs.BOM_UTF8, JSON, None),
        (b'{"id":18446744073709551617}', JSON, {"id": 18446744073709551617}),
        (b'{"id":-9223372036854775809}', JSON, {"id": -9223372036854775809}),
        (b'{"id":18446744073709551615}', JSON, {"id": 18446744073709551615}),
        (b'{"mean":NaN,"most":Infinity,"least":-Infinity}', JSON, {"mean": None, "most": None, "least": None}),
        (b'{"huge":1e999}', JSON, {"huge": None}),
        (b'{"half":"\\ud83d"}', JSON, {"half": "\ud83d"}),
        (b'{"a":1,"a":2}', JSON, {"a": 2}),
        (b'{"a":"two\nlines"}', JSON, {"a": "two\nlines"}),
        (b')]}\',\n{"a":1}', JSON, {"a": 1}),
        (b"while(1);[1]", JSON, [1]),
        (b"for(;;);{}", JSON, {}),
        (b'{"a":1}\x00', JSON, {"a": 1}),
        (b'{"a":1}\n{"a":2}\n', JSON, [{"a": 1}, {"a": 2}]),
        (b'{"title":"no"}', "application/problem+json", {"title": "no"}),
        (b'{"a":1}', "application/vnd.api+json; version=2", {"a": 1}),
        (b'{"a":1}', "text/json", {"a": 1}),
    ],
)
def test_json_is_read_however_it_is_encoded(body: bytes, media_type: str, data: Any) -> None:
    """RFC 8259 §8.1, cases json-bom, json-blank, json-latin1, json-bigint, json-nan and their neighbours."""
    assert read_json(body, media_type).data == data


def test_what_json_cannot_say_is_null_with_a_note() -> None:
    """Case json-nan: the rest of the answer is not lost to it, and nobody takes null for what was sent."""
    assert "NaN" in (read_json(b'{"mean":NaN}', JSON).note or "")
    assert "windows-1252" in (read_json(b'["\xe1"]', JSON).note or "")
    assert "several JSON values" in (read_json(b"{}\n{}", JSON).note or "")
    assert read_json(b'{"mean":1}', JSON).note is None


@pytest.mark.parametrize("body", [b"not json", b'{"a":', b"<html></html>", b"[" * 100_000, b'{"a":1} and more', b"1\n2", b"\xff\xfe\x00"])
def test_a_body_that_is_no_json_says_so(body: bytes) -> None:
    """The upstream is at fault; its body goes to the caller as it is."""
    with pytest.raises(MalformedContent):
        read_json(body, JSON)


@pytest.mark.parametrize(
    ("body", "media_type", "data"),
    [
        (b'{"ok":true,"id":7}', "text/html; charset=utf-8", {"ok": True, "id": 7}),
        (b"[1]", "text/plain", [1]),
        (b' {"a":1}', "application/octet-stream", {"a": 1}),
        (b'{"a":1}', "", {"a": 1}),
        (codecs.BOM_UTF8 + b'{"a":1}', "", {"a": 1}),
        (b'{"a":1}', "binary/octet-stream", {"a": 1}),
        (b'{"a":1}', "application/javascript", {"a": 1}),
        (b"\n", "text/html", None),
        (b"\n", "", None),
    ],
)
def test_json_under_another_type_is_json_where_it_was_asked_for(body: bytes, media_type: str, data: Any) -> None:
    """Case json-as-text-html: the document says application/json."""
    content = read_content(body, media_type, OBJECT, asks_json=True)
    assert (content.data, content.is_file) == (data, False)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"<p>down</p>", "text/html"),
        (b"true story", "text/plain"),
        (b"123", "text/plain"),
        (b"1\n2\n3", "text/plain"),
        (b"null", "text/plain"),
        (b"{mustache}", "text/plain"),
        (b"<a>1</a>", "application/xml"),
        (b"callback({})", "application/javascript"),
    ],
)
def test_text_stays_text(body: bytes, media_type: str) -> None:
    """What only begins like JSON, or is a bare word, is no JSON because JSON was asked for."""
    assert read_content(body, media_type, None, asks_json=True).data == body.decode()


def test_a_bare_value_is_read_where_the_document_declares_its_type() -> None:
    """A count that is sent as text/plain."""
    assert read_content(b"42", "text/plain", {"type": "integer"}, asks_json=True).data == 42
    assert read_content(b"42", "text/plain", {"type": "string"}, asks_json=True).data == "42"
    assert read_content(b"true", "text/html", {"type": ["boolean", "null"]}, asks_json=True).data is True


def test_a_file_is_not_taken_for_json_where_none_was_asked_for() -> None:
    """A document that declares octet-stream means a file, also one with JSON in it."""
    assert read_content(b'{"a":1}', "application/octet-stream", None, asks_json=False).is_file
    assert read_content(b"\x89PNG\r\n", "application/octet-stream", OBJECT, asks_json=True).is_file
    assert read_content(b'{"a":1}', "text/plain", None, asks_json=False).data == '{"a":1}'


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "application/jsonl", "application/json-seq", "application/geo+json-seq"])
def test_a_sequence_of_json_values_is_a_list(media_type: str) -> None:
    """RFC 7464, and JSON lines."""
    assert read_content(b'\x1e{"a":1}\n\x1e{"a":"\xe2\x80\xa8"}\n', media_type, None, asks_json=False).data == [{"a": 1}, {"a": "\u2028"}]
    assert read_content(b'{"a":1}\n\n{"a":2}', media_type, None, asks_json=False).data == [{"a": 1}, {"a": 2}]
    assert read_content(b'{"a":1}\n{"a', media_type, None, asks_json=False).data == '{"a":1}\n{"a'


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        ("hello wörld".encode(), "text/plain; charset=idna", "hello wörld"),
        ("hello wörld".encode(), "text/plain; charset=punycode", "hello wörld"),
        ("hello wörld".encode(), "text/plain; charset=unicode_escape", "hello wörld"),
        ("hello wörld".encode(), "text/plain; charset=undefined", "hello wörld"),
        ("hello wörld".encode(), "text/plain; charset=", "hello wörld"),
        (b"n\xe4ive", "text/csv; charset=latin-1", "näive"),
        (b"\x93so\x94", "text/plain; charset=iso-8859-1", "\u201cso\u201d"),
        (b"\x81\xe4", "text/plain; charset=iso-8859-1", "\x81ä"),
        (codecs.BOM_UTF16_LE + "ä".encode("utf-16-le"), "text/csv", "ä"),
        (codecs.BOM_UTF8 + b"a;b", "text/csv; charset=latin-1", "a;b"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><a>Łódź</a>'.encode("iso-8859-2"), "application/xml", None),
        (b"n\xe4ive", "text/plain", "näive"),
        ("привет".encode("koi8-r"), "text/plain; charset=KOI8-R", "привет"),
    ],
)
def test_text_is_read_in_its_charset(body: bytes, media_type: str, text: str | None) -> None:
    """Case charset-idna: a codec that is no charset is none; where a charset is known no character is lost."""
    read = text_of(body, media_type)[0]
    assert read == text if text is not None else "Łódź" in read


@given(st.text(max_size=60), st.binary(max_size=60))
@examples(200)
def test_no_label_and_no_body_raises_anything_else(label: str, body: bytes) -> None:
    """Whatever an upstream calls its body, it is data, text, a file, or malformed."""
    codec_of(label)
    for media_type in (f"text/plain; charset={label}", f"application/json; charset={label}", label):
        text_of(body, media_type)
        read_content(body, media_type, OBJECT, asks_json=True)
        try:
            read_json(body, media_type)
        except MalformedContent:
            continue


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(JSON_VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]))
@examples(300)
def test_json_comes_back_the_same_from_every_unicode_encoding(value: Any, encoding: str) -> None:
    """Integers of any size stay exact."""
    assert read_json(json.dumps(value, ensure_ascii=False).encode(encoding), JSON).data == value


@given(JSON_VALUES)
@examples(200)
def test_what_is_kept_is_read_back_the_same(value: Any) -> None:
    """A kept result, a record: integers beyond 64 bits and lone surrogates included."""
    assert decode(encode(value)) == value
    assert decode(encode([value, "\ud800", 10**30])) == [value, "\ud800", 10**30]
