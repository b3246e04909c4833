"""What is asked of Gong: a page of calls with their details and transcripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.errors import ToolError
from tools.operation import Json
from tools.workflows.ingestion.asking import Asking, status_of
from tools.workflows.ingestion.gong.seen_call import SeenCall

LIST, DETAILS, TRANSCRIPTS = "gong.calls.list", "gong.calls.extensive.list_details", "gong.calls.transcript.list"
#: transcripts in one answer: some 80 KB each, of which none should hold others up
TRANSCRIPTS_AT_ONCE = 25
DETAILS_AT_ONCE = 100
_SELECTOR = {"context": "Extended", "exposedFields": {"parties": True}}


@dataclass(frozen=True, slots=True)
class CallPage:
    """A page of a window. `is_expired`: its cursor is over, and the window begins anew."""

    calls: tuple[SeenCall, ...] = ()
    cursor: str | None = None
    is_expired: bool = False


class CallPages:
    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def page(self, window: Mapping[str, str], cursor: str | None) -> CallPage:
        """Return a page of the calls that began within `window` {fromDateTime, toDateTime}, with all that Gong has of them by now."""
        try:
            answer = (await self._asking.ask(LIST, {**window, **({"cursor": cursor} if cursor else {})})).data
        except ToolError as error:
            if cursor and _is_over(error):
                return CallPage(is_expired=True)
            if _found_none(error):
                return CallPage()
            raise
        calls = [call for call in answer["calls"] if call.get("id")]
        return CallPage(await self._with_details(calls), answer["records"].get("cursor"))

    async def calls(self, call_ids: Sequence[str]) -> tuple[SeenCall, ...]:
        """Return what Gong has of these calls by now; those that it does not show any more are left out."""
        details = await self._details(call_ids)
        return await self._with_transcripts([SeenCall(each["metaData"], each) for each in details.values()])

    async def _with_details(self, listed: Sequence[Mapping[str, Json]]) -> tuple[SeenCall, ...]:
        details = await self._details([str(call["id"]) for call in listed])
        return await self._with_transcripts([SeenCall(call, details.get(str(call["id"]))) for call in listed])

    async def _with_transcripts(self, calls: Sequence[SeenCall]) -> tuple[SeenCall, ...]:
        said: dict[str, Sequence[Mapping[str, Json]]] = {}
        for begin in range(0, len(calls), TRANSCRIPTS_AT_ONCE):
            call_ids = [call.call_id for call in calls[begin : begin + TRANSCRIPTS_AT_ONCE]]
            found = await self._all(TRANSCRIPTS, {"filter": {"callIds": call_ids}}, "callTranscripts")
            said |= {str(each["callId"]): each.get("transcript") or () for each in found}
        return tuple(SeenCall(call.metadata, call.details, said.get(call.call_id)) for call in calls)

    async def _details(self, call_ids: Sequence[str]) -> Mapping[str, Mapping[str, Json]]:
        details: dict[str, Mapping[str, Json]] = {}
        for begin in range(0, len(call_ids), DETAILS_AT_ONCE):
            wanted = {"filter": {"callIds": list(call_ids[begin : begin + DETAILS_AT_ONCE])}, "contentSelector": _SELECTOR}
            details |= {str(each["metaData"]["id"]): each for each in await self._all(DETAILS, wanted, "calls")}
        return details

    async def _all(self, operation: str, body: Mapping[str, Json], name: str) -> list[Mapping[str, Json]]:
        """Return every page of what a body asks for; one whose cursor is over is asked for anew."""
        while True:
            found: list[Mapping[str, Json]] = []
            cursor: str | None = None
            try:
                while True:
                    answer = (await self._asking.ask(operation, {**body, **({"cursor": cursor} if cursor else {})})).data
                    found += answer[name]
                    cursor = answer["records"].get("cursor")
                    if cursor is None:
                        return found
            except ToolError as error:
                if cursor and _is_over(error):
                    continue
                if _found_none(error):
                    return found
                raise


def _found_none(error: ToolError) -> bool:
    """Say whether Gong found nothing, which it answers with 404; an address that is wrong is answered otherwise."""
    return status_of(error) == 404 and any("no calls found" in text.lower() for text in _errors(error))


def _is_over(error: ToolError) -> bool:
    return 400 <= status_of(error) < 500 and any("cursor has expired" in text.lower() for text in _errors(error))


def _errors(error: ToolError) -> list[str]:
    body = (error.failure.upstream or {}).get("body")
    told = body.get("errors") if isinstance(body, Mapping) else None
    return [str(text) for text in told] if isinstance(told, list) else []
