"""What S3 says in XML: errors, lists, ids of uploads. Nothing of it may declare anything: no entity, no document type."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError, fromstring

_MAX_CHARS = 300


class AnswerUnreadable(ValueError):
    """A server answered with something that is not S3's XML."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object of a list; `key` is whole, with its prefix."""

    key: str
    bytes: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ObjectPage:
    objects: Sequence[ObjectInfo]
    #: for the next page; "": this is the last
    continues_at: str


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    code: str
    message: str
    #: where the bucket is, when it is not where it was looked for
    region: str = ""


def read_error(body: bytes) -> ErrorAnswer:
    """Return code and message of an error; empty ones where it is none of S3's."""
    try:
        root = _read(body)
    except AnswerUnreadable:
        return ErrorAnswer("", "")
    if _local(root) != "Error":
        return ErrorAnswer("", "")
    code, message, region = (" ".join(_text(root, name).split()) for name in ("Code", "Message", "Region"))
    return ErrorAnswer(code, message, region)


def read_page(body: bytes) -> ObjectPage:
    """Return one page of ListObjectsV2. Raises AnswerUnreadable."""
    root = _read(body)
    # Another document has no objects either, and an empty list would be the word of a page that somebody put in between.
    if _local(root) != "ListBucketResult":
        raise AnswerUnreadable("the answer is no list of S3's")
    try:
        objects = [
            ObjectInfo(_text(each, "Key", whole=True), int(_text(each, "Size")), datetime.fromisoformat(_text(each, "LastModified")))
            for each in _all(root, "Contents")
        ]
    except ValueError as error:
        raise AnswerUnreadable("a list has an object without size or time") from error
    return ObjectPage(objects, _text(root, "NextContinuationToken", whole=True) if _text(root, "IsTruncated") == "true" else "")


def read_upload_id(body: bytes) -> str:
    """Return the id that CreateMultipartUpload gave. Raises AnswerUnreadable."""
    found = _text(_read(body), "UploadId", whole=True)
    if not found:
        raise AnswerUnreadable("an upload was begun, and has no id")
    return found


def read_uploads(body: bytes) -> Sequence[tuple[str, str, datetime]]:
    """Return key, id and beginning of each unfinished upload of a page. Raises AnswerUnreadable."""
    root = _read(body)
    if _local(root) != "ListMultipartUploadsResult":
        raise AnswerUnreadable("the answer is no list of S3's")
    try:
        return [
            (_text(each, "Key", whole=True), _text(each, "UploadId", whole=True), datetime.fromisoformat(_text(each, "Initiated")))
            for each in _all(root, "Upload")
        ]
    except ValueError as error:
        raise AnswerUnreadable("a list has an upload without a time") from error


def _read(body: bytes) -> Element:
    # As text, so that no other encoding hides what is looked for: entities that grow are declared in a document type, and S3 has none.
    text = body.decode("utf-8", "replace")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise AnswerUnreadable("the answer declares a document type, which S3's never do")
    try:
        return fromstring(text)  # noqa: S314  # see above
    except ParseError as error:
        raise AnswerUnreadable("the answer is no XML") from error


def _all(root: Element, name: str) -> Iterator[Element]:
    return (each for each in root.iter() if _local(each) == name)


def _text(within: Element, name: str, *, whole: bool = False) -> str:
    found = next((each.text or "" for each in within.iter() if _local(each) == name), "")
    return found if whole else found[:_MAX_CHARS]


def _local(element: Element) -> str:
    """Return a name without its namespace: servers differ in which they write."""
    return str(element.tag).rpartition("}")[2]
