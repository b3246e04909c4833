"""The body of a genuine request as a value: JSON, the fields of a form, or text."""

from urllib.parse import parse_qsl

import anyio.to_thread

from tools.heavy_json.weight import MAX_SENT_VALUES, values_in_turns
from tools.json_text import decode
from tools.operation import Failure, Json
from tools.workflows.webhooks.errors import ContentRefused

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 1_000
_LARGE_FORM_CHARS = 64 * 1024


async def read_content(body: bytes, media_type: str) -> Json:
    """Return what a body says. Raises ContentRefused. What is large is weighed first, a part at a time."""
    try:
        fields = await _fields(body.decode()) if media_type == _FORM else {}
        # Slack's buttons and GitHub's older hooks put JSON into the one field of a form.
        text = fields["payload"].encode() if fields.keys() == {"payload"} else body
        if text is body and fields:
            return fields
        if text is not body or media_type.endswith(("/json", "+json")) or (not media_type and body.lstrip()[:1] in (b"{", b"[")):
            if await values_in_turns(text, MAX_SENT_VALUES) > MAX_SENT_VALUES:
                raise _refused(f"the body holds more than {MAX_SENT_VALUES:,} values", "send events of fewer values")
            return decode(text)
        return body.decode()
    except UnicodeDecodeError as error:
        raise _refused(f"the body is not UTF-8 (at byte {error.start})", "send JSON, a form or text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _refused(f"the body cannot be read as {media_type or 'JSON'}", "say what it is in Content-Type") from error


async def _fields(text: str) -> dict[str, str]:
    if len(text) <= _LARGE_FORM_CHARS:
        return _parsed(text)
    # Escapes are undone one by one: a quarter of a second for 1 MB, in which others take turns with a thread.
    return await anyio.to_thread.run_sync(_parsed, text)


def _parsed(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))


def _refused(message: str, hint: str) -> ContentRefused:
    return ContentRefused(Failure("invalid_body", message, hint=hint))
