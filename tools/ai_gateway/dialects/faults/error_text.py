"""What a provider's error body says, in whichever of its many forms; never raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tools.heavy_json.weight import is_heavy
from tools.json_text import decode
from tools.operation import Json

_MAX_CHARS = 500
#: of a message that is looked through and retold
_MAX_WORDS_CHARS = 8_000
_HIDDEN = re.compile(r"<(/?)(script|style|head)\b", re.IGNORECASE)
# Neither looks at a character twice, however many are never closed.
_TAG = re.compile(r"<[^<>]*+>")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """`code` and `type` as the provider spells them, "" where it says none; `status` where a body inside a 200 names one, else 0."""

    message: str = ""
    code: str = ""
    type: str = ""
    param: str | None = None
    status: int = 0

    @property
    def short(self) -> str:
        """The message for a log, on one line."""
        line = _BLANKS.sub(" ", self.message).strip()
        return line if len(line) <= _MAX_CHARS else line[: _MAX_CHARS - 1] + "…"


def read_error(body: bytes) -> ErrorText:
    """Return what `body` says: JSON in any provider's form, HTML, plain text, nothing. One too heavy to be decoded is plain text."""
    if is_heavy(body):
        return ErrorText(_plain(body))
    try:
        value = decode(body)
    except ValueError:
        return ErrorText(_plain(body))
    return error_in(value)


def read_refusal(headers: Mapping[str, str], body: bytes) -> ErrorText:
    """Return what an answer of another status says; AWS names what it means in a header alone."""
    said = read_error(body)
    kind = headers.get("x-amzn-errortype", "")
    return replace(said, type=kind.partition(":")[0]) if kind else said


def error_in(value: Json) -> ErrorText:
    """Return what the JSON of an error says."""
    said = _error_in(value)
    return said if len(said.message) <= _MAX_WORDS_CHARS else replace(said, message=said.message[:_MAX_WORDS_CHARS])


def _error_in(value: Json) -> ErrorText:
    # Gemini puts the object into a list where a stream was asked for.
    if isinstance(value, list):
        return _error_in(value[0]) if value else ErrorText()
    if not isinstance(value, dict):
        return ErrorText(value if isinstance(value, str) else "")
    error = value.get("error")
    # OpenAI, Anthropic, Gemini, vLLM (a number as code); OpenRouter and LiteLLM (a status as code).
    if isinstance(error, dict):
        return _of_object(error)
    # LM Studio, LiteLLM, Ollama: the error is its message.
    if isinstance(error, str) and error:
        return ErrorText(error, _word(value.get("code")), _word(value.get("type")), status=_status(value.get("code")))
    # Workers AI and Cloudflare's own edge.
    errors = value.get("errors")
    if isinstance(errors, list) and errors:
        first = errors[0]
        return _of_object(first) if isinstance(first, dict) else ErrorText(str(first))
    # FastAPI; Bedrock, Mistral and older vLLM.
    detail = value.get("detail")
    if detail and "message" not in value:
        return ErrorText(detail if isinstance(detail, str) else _first_message(detail))
    return _of_object(value)


def _of_object(error: dict[str, Json]) -> ErrorText:
    kind = error.get("type") or error.get("status") or error.get("__type")
    message = error.get("message") or error.get("Message")
    if isinstance(message, dict):  # Mistral's own validation
        message = error_in(message).message
    metadata = error.get("metadata")
    # OpenRouter hides what the provider behind it said.
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    words = message if isinstance(message, str) else ""
    if isinstance(raw, str) and raw and raw not in words:
        words = f"{words}: {raw}" if words else raw
    param = error.get("param")
    return ErrorText(words, _word(error.get("code")), _word(kind), param if isinstance(param, str) else None, _status(error.get("code")))


def _first_message(detail: Json) -> str:
    first = detail[0] if isinstance(detail, list) and detail else detail
    if isinstance(first, dict):
        place = first.get("loc")
        where = ".".join(map(str, place)) + ": " if isinstance(place, list) else ""
        return where + str(first.get("msg") or first.get("message") or first)
    return str(first)


def _word(value: Json) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    return str(value) if isinstance(value, str | int) else ""


def _status(code: Json) -> int:
    number = int(code) if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3 else code
    return number if isinstance(number, int) and not isinstance(number, bool) and 400 <= number <= 599 else 0


def _plain(body: bytes) -> str:
    # A page of a proxy: its words are all that a caller can use, and there may be much of it.
    text = body[:20_000].decode("utf-8", "replace")
    return _BLANKS.sub(" ", _TAG.sub(" ", _shown(text))).strip()[:_MAX_CHARS] if "<" in text else text.strip()[:_MAX_CHARS]


def _shown(page: str) -> str:
    """Return a page without its scripts, styles and head, in one pass."""
    kept: list[str] = []
    at, within = 0, ""
    for tag in _HIDDEN.finditer(page):
        is_closing, name = bool(tag[1]), tag[2].lower()
        if not within and not is_closing:
            kept.append(page[at : tag.start()])
            at, within = tag.start(), name
        elif within == name and is_closing:
            at, within = tag.start(), ""
    return " ".join([*kept, page[at:]])
