"""In what a value is counted or written, where its format, a vendor's keyword or its description says so: `cents`, `Unix seconds`."""

import re
from collections.abc import Mapping

from tools.operation import Json

MAX_NOTE_CHARS = 24
#: of a description only its beginning speaks of the value itself
_MAX_READ_CHARS = 320
_VENDOR_KEYWORDS = ("x-unit", "x-units")
NOTE_BY_FORMAT = {
    "unix-time": "Unix seconds", "unixtime": "Unix seconds", "unix-timestamp": "Unix seconds", "timestamp": "Unix seconds",
    "epoch": "Unix seconds", "duration": "ISO 8601 duration", "byte": "base64", "base64": "base64", "ipv4": "IPv4", "ipv6": "IPv6",
    "e164": "E.164", "phone": "phone number", "currency": "ISO 4217", "iso4217": "ISO 4217", "percent": "percent",
    "percentage": "percent", "time": "time", "hostname": "host name",
}  # fmt: skip
#: of numbers, the first that fits; a time before a span of seconds
_OF_NUMBERS = (
    (r"smallest (?:\w+ )?(?:unit|denomination)|minor (?:currency )?units?|lowest denomination|smallest currency", "smallest currency unit"),
    (r"\b(?:us )?cents\b", "cents"),
    (r"\bbasis points?\b", "basis points"),
    (r"\b(?:unix|epoch|posix)\b.{0,60}\b(?:milliseconds?|ms)\b|\b(?:milliseconds?|ms)\b.{0,40}\b(?:unix|epoch|1970)", "Unix ms"),
    (
        r"\bunix[ -]?(?:epoch|time|timestamp)|\bepoch (?:time|timestamp|seconds)|(?:since|from) (?:the )?(?:unix )?epoch|since .{0,30}1970",
        "Unix seconds",
    ),
    (r"\bmilliseconds?\b|\bin ms\b", "ms"),
    (r"\bmicroseconds?\b", "µs"),
    (r"\bin seconds\b|\bnumber of seconds\b|\bseconds (?:to|before|after|until|that|for)\b|\(seconds\)|\(s\)", "seconds"),
    (r"\bin (?:kilobytes|kb|kib)\b", "kB"),
    (r"\bin (?:megabytes|mb|mib)\b|\(mb\)", "MB"),
    (r"\bin (?:gigabytes|gb|gib)\b|\(gb\)", "GB"),
    (r"\bin bytes\b|\bnumber of bytes\b|\bbytes\b", "bytes"),
    (r"\bpercent(?:age)?\b|\bper cent\b|\(%\)", "percent"),
    (r"\bin minutes\b|\bnumber of minutes\b|\(minutes\)", "minutes"),
    (r"\bin hours\b|\bnumber of hours\b|\(hours\)", "hours"),
    (r"\bin days\b|\bnumber of days\b|\(days\)", "days"),
)
_OF_TEXTS = (
    (r"\bunix[ -]?(?:epoch|time|timestamp)|\bepoch (?:time|timestamp|seconds)", "Unix seconds"),
    (r"\biso[ -]?4217\b|three[- ]letter (?:iso )?currency code", "ISO 4217"),
    (r"\biso[ -]?3166\b|two[- ]letter (?:iso )?country code", "ISO 3166"),
    (r"\bbcp[ -]?47\b", "BCP 47"),
    (r"\biso[ -]?639\b", "ISO 639"),
    (r"\be\.164\b", "E.164"),
    (r"\biso[ -]?8601\b", "ISO 8601"),
    (r"\brfc[ -]?3339\b", "RFC 3339"),
    (r"\byyyy-mm-dd\b", "YYYY-MM-DD"),
    (r"\bbase64\b", "base64"),
    (r"\bcomma[- ](?:separated|delimited)\b", "comma-separated"),
)
_COMPILED = {
    "number": [(re.compile(pattern, re.IGNORECASE), note) for pattern, note in _OF_NUMBERS],
    "string": [(re.compile(pattern, re.IGNORECASE), note) for pattern, note in _OF_TEXTS],
}
#: formats that the type already says
_SAID = frozenset({"date", "date-time", "email", "uri", "url", "uuid", "binary"})


def note_of(schema: Mapping[str, Json], kind: str) -> str:
    """Return a short note on a value of JSON type `kind`, or ""."""
    for keyword in _VENDOR_KEYWORDS:
        if isinstance(schema.get(keyword), str) and 0 < len(schema[keyword]) <= MAX_NOTE_CHARS:
            return str(schema[keyword])
    named = str(schema.get("format") or "").lower()
    if named in _SAID:
        return ""
    if named in NOTE_BY_FORMAT:
        return NOTE_BY_FORMAT[named]
    description = schema.get("description")
    if not isinstance(description, str):
        return ""
    read = description[:_MAX_READ_CHARS]
    patterns = _COMPILED["string" if kind == "string" else "number"]
    return next((note for pattern, note in patterns if pattern.search(read)), "")
