"""Answers as servers really send them, over real HTTP: what a caller reads is what was meant, whatever bytes, labels and encodings say."""

import gzip
import json
import zlib
from typing import Any

import pytest

from tests.tools.sources.http.api_world import ApiWorld
from tools.operation import Download, Json

JSON_NODE: dict[str, Any] = {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}}
TEXT_NODE: dict[str, Any] = {"responses": {"200": {"description": "", "content": {"text/plain": {"schema": {"type": "string"}}}}}}
CITY = {"city": "Málaga"}
TOKYO, MOSCOW, BEIJING = {"city": "東京"}, {"city": "Москва"}, {"city": "北京"}
BIG = 2**70


def written(value: Json, charset: str = "utf-8") -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(charset)


UTF8 = written(CITY)
#: media type, body, data
CHARSETS: dict[str, tuple[str, bytes, Json]] = {
    "UTF-32 without a mark": ("application/json", written(CITY, "utf-32-le"), CITY),
    "UTF-16 BE without a mark": ("application/json; charset=utf-16", written(CITY, "utf-16-be"), CITY),
    "UTF-16 under Latin-1": ("application/json; charset=iso-8859-1", written(CITY, "utf-16"), CITY),
    "windows-1251": ("application/json; charset=windows-1251", written(MOSCOW, "cp1251"), MOSCOW),
    "KOI8-R": ("application/json; charset=koi8-r", written(MOSCOW, "koi8-r"), MOSCOW),
    "Shift JIS, quoted": ('application/json; charset="Shift_JIS"', written(TOKYO, "shift_jis"), TOKYO),
    "GBK": ("application/json;charset=GBK", written(BEIJING, "gbk"), BEIJING),
    "single quotes": ("application/json; charset='utf-8'", UTF8, CITY),
    "one byte that is no UTF-8": ("application/json; charset=utf-8", b'{"city":"M\xe1laga"}', CITY),
    "large integers in UTF-16": ("application/json", written({"id": BIG}, "utf-16"), {"id": BIG}),
    "a mark and nothing else": ("application/json", b"\xef\xbb\xbf", None),
}
LABELS: dict[str, tuple[str, bytes, Json]] = {
    "OData": ("application/json;odata.metadata=minimal;charset=utf-8", UTF8, CITY),
    "twice": ("application/json, application/json", UTF8, CITY),
    "in quotes": ('"application/json"', UTF8, CITY),
    "of JavaScript": ("application/javascript", UTF8, CITY),
    "of bytes": ("application/octet-stream", UTF8, CITY),
    "of S3": ("binary/octet-stream", UTF8, CITY),
    "upside down": ("plain/text", UTF8, CITY),
    "no media type": ("garbage", UTF8, CITY),
    "GraphQL": ("application/graphql-response+json", UTF8, CITY),
    "JSON lines under JSON": ("application/json", b'{"id":%d}\n{"id":1}\n' % BIG, [{"id": BIG}, {"id": 1}]),
    "a JSON sequence": ("application/geo+json-seq", b'\x1e{"a":1}\n\x1e{"a":2}\n', [{"a": 1}, {"a": 2}]),
    "a guard": ("application/json", b")]}',\n" + UTF8, CITY),
    "raw line break": ("application/json", b'{"a":"x\ny"}', {"a": "x\ny"}),
    "numbers beyond all": ("application/json", b'{"a":1e999,"b":-Infinity,"c":NaN}', {"a": None, "b": None, "c": None}),
    "events": ("text/event-stream", b'data: {"a":1}\n\n', 'data: {"a":1}\n\n'),
    "a page": ("text/html", b"<html>", "<html>"),
}
#: Content-Encoding, body
ENCODINGS: dict[str, tuple[str, bytes]] = {
    "gzip over plain": ("gzip", UTF8),
    "deflate over plain": ("deflate", UTF8),
    "upper case": ("GZIP", gzip.compress(UTF8, mtime=0)),
    "gzip of gzip": ("gzip, gzip", gzip.compress(gzip.compress(UTF8, mtime=0), mtime=0)),
    "gzip of deflate": ("deflate, gzip", gzip.compress(zlib.compress(UTF8), mtime=0)),
    "gzip and none": ("gzip, identity", gzip.compress(UTF8, mtime=0)),
    "none and gzip": ("identity,gzip", gzip.compress(UTF8, mtime=0)),
    "as it was uploaded": ("aws-chunked", UTF8),
    "as it was uploaded, gzip": ("aws-chunked,gzip", gzip.compress(UTF8, mtime=0)),
    "bare deflate": ("deflate", zlib.compress(UTF8)[2:-4]),
    "gzip called deflate": ("deflate", gzip.compress(UTF8, mtime=0)),
    "zlib called gzip": ("gzip", zlib.compress(UTF8)),
    "members": ("gzip", gzip.compress(UTF8[:5], mtime=0) + gzip.compress(UTF8[5:], mtime=0)),
    "something after it": ("gzip", gzip.compress(UTF8, mtime=0) + b"\r\n"),
    "a charset": ("utf-8", UTF8),
}


@pytest.mark.parametrize("name", CHARSETS)
async def test_json_in_any_charset_is_data(name: str, world: ApiWorld) -> None:
    """RFC 8259 §8.1, Encoding Standard §6."""
    media_type, body, data = CHARSETS[name]
    world.upstream.answer(200, body, media_type)
    outcome = await world.run(world.operation(JSON_NODE))
    assert (outcome.status, outcome.data) == ("ok", data), outcome.error


@pytest.mark.parametrize("name", LABELS)
async def test_what_is_meant_counts_not_how_it_is_labelled(name: str, world: ApiWorld) -> None:
    media_type, body, data = LABELS[name]
    world.upstream.answer(200, body, media_type)
    outcome = await world.run(world.operation(JSON_NODE))
    assert (outcome.status, outcome.data) == ("ok", data), outcome.error


@pytest.mark.parametrize("name", ENCODINGS)
async def test_a_content_encoding_is_taken_out_where_it_is_there(name: str, world: ApiWorld) -> None:
    """RFC 9110 §8.4: several are listed in the order in which they were applied; some name one that was taken out before."""
    encoding, body = ENCODINGS[name]
    world.upstream.answer(200, body, Content_Encoding=encoding)
    outcome = await world.run(world.operation(JSON_NODE))
    assert (outcome.status, outcome.data) == ("ok", CITY), outcome.error


@pytest.mark.parametrize(("body", "data"), [(b"", None), (b"\n", None)])
async def test_an_empty_body_is_empty_whatever_its_encoding(body: bytes, data: Json, world: ApiWorld) -> None:
    world.upstream.answer(200, body, Content_Encoding="gzip")
    outcome = await world.run(world.operation(JSON_NODE))
    assert (outcome.status, outcome.data) == ("ok", data)


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("br", b"\x0b\x02\x80", "upstream_malformed"),
        ("gzip, gzip, gzip, gzip", UTF8, "upstream_malformed"),
        ("gzip", gzip.compress(UTF8, mtime=0)[:-9], "upstream_reset"),
        ("gzip, gzip", gzip.compress(gzip.compress(UTF8, mtime=0)[:-9], mtime=0), "upstream_reset"),
        ("gzip", b"\x1f\x8bxx", "upstream_malformed"),
    ],
)
async def test_what_cannot_be_inflated_is_one_clear_error(encoding: str, body: bytes, code: str, world: ApiWorld) -> None:
    world.upstream.answer(200, body, Content_Encoding=encoding)
    failure = (await world.run(world.operation(JSON_NODE))).error
    assert failure is not None
    assert failure.code == code


@pytest.mark.parametrize(
    ("media_type", "body", "data"),
    [
        ("text/plain", b'{"a":1}', '{"a":1}'),
        ("text/plain; charset=iso-8859-1", b"\x93hi\x94", "\u201chi\u201d"),
        ("text/plain; charset=utf-7", b"hi", "hi"),
        ("text/plain; charset=x-unheard-of", "hü".encode(), "hü"),
        ("text/csv", "a;ü\r\n".encode("utf-16"), "a;ü\r\n"),
        ("application/xml", "<?xml version='1.0' encoding='ISO-8859-1'?><a>á</a>".encode("latin-1"), None),
    ],
)
async def test_text_stays_text(media_type: str, body: bytes, data: str | None, world: ApiWorld) -> None:
    world.upstream.answer(200, body, media_type)
    outcome = await world.run(world.operation(TEXT_NODE))
    assert outcome.data == (body.decode("latin-1") if data is None else data)


async def test_bytes_stay_a_file(world: ApiWorld) -> None:
    world.upstream.answer(200, b"\xa1aa\x01", "application/cbor")
    data = (await world.run(world.operation(JSON_NODE))).data
    assert isinstance(data, Download)
    assert (data.body, data.media_type) == (b"\xa1aa\x01", "application/cbor")
