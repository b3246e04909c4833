"""An answer over HTTP that is too heavy to be read here (tools/heavy_json/weight.py): a worker reads it, and its JSON stays text."""

from tools.egress.client import OutboundResponse
from tools.errors import ToolError
from tools.heavy_json.worker import WORKERS, Told
from tools.large_json import LargeJson
from tools.operation import Call, Download, Outcome
from tools.sources.http.content import MalformedContent, is_json, read_content, read_json
from tools.sources.http.outcome import asks_json, file_of_answer, malformed
from tools.sources.response_headers import facts_of


def read_large(body: bytes, media_type: str, asks: bool) -> Told:
    """Return the value of a body, and whether it is a file or malformed. Runs in a child."""
    try:
        content = read_json(body, media_type) if is_json(media_type) else read_content(body, media_type, None, asks_json=asks)
    except MalformedContent as error:
        return Told({"malformed": str(error)[:300]}, None)
    return Told({"note": content.note, "is_file": content.is_file}, content.data)


async def large_outcome(call: Call, response: OutboundResponse) -> Outcome:
    """Return what a successful response means to the caller.

    What cannot be read within bounds is kept as a file, so that it is not lost.
    """
    headers, body = response.headers, response.body
    facts = facts_of(response.status, headers, response.url, call.operation.binding.get("response_headers", ()))
    media_type, disposition = headers.get("content-type", ""), headers.get("content-disposition", "")
    file = file_of_answer(body, media_type, disposition)
    try:
        holder = call.principal.person
        found = await WORKERS.work(
            read_large, body, media_type[:200], asks_json(call.operation, disposition), holder=holder, deadline=call.deadline
        )
    except ToolError as error:
        return Outcome("ok", data=file, http=facts, note=f"it is kept as a file: {error.failure.message}")
    if (reason := found.facts.get("malformed")) is not None:
        failure = malformed(call.operation.provider, facts.status, media_type, body, MalformedContent(reason))
        return Outcome("error", http=facts, error=failure)
    data: Download | LargeJson = file if found.facts["is_file"] else found.value
    return Outcome("ok", data=data, http=facts, note=found.facts["note"])


async def large_text(call: Call, text: str) -> LargeJson | Download | str:
    """Return heavy text as the JSON that it is; as it came where it is none, as a file where that cannot be told within bounds."""
    body = text.encode(errors="replace")
    try:
        found = await WORKERS.work(read_large, body, "application/json", True, holder=call.principal.person, deadline=call.deadline)
    except ToolError:
        return Download(body, "text/plain")
    return text if "malformed" in found.facts else found.value
