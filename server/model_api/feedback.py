"""`POST /v1/feedback`: what somebody thought of an answer."""

from dataclasses import dataclass

import orjson

from tools.ai_gateway.feedback import Feedback
from tools.ai_gateway.refusals import ModelCallRefused, invalid_request
from tools.ai_gateway.replies import WholeReply

#: a comment of the longest, all in escapes, and room beside it
MAX_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class FeedbackEndpoint:
    """`{response_id, score: -1…1, comment?}` about a call of the caller's tenant."""

    feedback: Feedback

    async def answer(self, tenant_id: str, raw: bytes) -> WholeReply:
        """Keep it. Raises ModelCallRefused."""
        if len(raw) > MAX_BYTES:
            raise ModelCallRefused("invalid_request", 413, f"feedback of {len(raw):,} bytes; {MAX_BYTES:,} at most")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise invalid_request("the body is no JSON (RFC 8259) in UTF-8") from error
        if not isinstance(body, dict):
            raise invalid_request("the body is not a JSON object")
        await self.feedback.give(tenant_id, body.get("response_id"), body.get("score"), body.get("comment"))
        return WholeReply(201, {}, b'{"object":"feedback"}')
