"""What a provider's refusal means for failing over: by status, by code, and by wording where providers say it in words alone."""

import re

from tools.ai_gateway.dialects.exchange import FaultKind
from tools.ai_gateway.dialects.faults.error_text import ErrorText

_FILTER = frozenset({
    "content_filter", "content_filtered", "content_policy_violation", "contentfiltered", "content_blocked", "prompt_blocked", "moderation",
    "responsibleaipolicyviolation", "input_moderation", "image_content_policy_violation", "cyber_policy",
})  # fmt: skip
_CONTEXT = frozenset({"context_length_exceeded", "context_window_exceeded", "prompt_too_long", "model_context_window_exceeded"})
_QUOTA = frozenset({
    "insufficient_quota", "billing_error", "billing_not_active", "billing_hard_limit_reached", "insufficient_balance", "quota_exceeded",
    "servicequotaexceededexception", "insufficient_credits", "credits_exhausted",
})  # fmt: skip
_KEY = frozenset({
    "invalid_api_key", "authentication_error", "unauthenticated", "unrecognizedclientexception", "expiredtokenexception",
    "invalidsignatureexception", "incompletesignatureexception", "accessdeniedexception", "missingauthenticationtokenexception",
})  # fmt: skip
_BUSY = frozenset({
    "overloaded_error", "overloaded", "rate_limit_error", "rate_limit_exceeded", "throttlingexception", "server_error",
    "internal_server_error", "api_error", "timeout_error", "internal", "unavailable", "deadline_exceeded", "resource_exhausted",
    "serviceunavailableexception", "internalserverexception", "modelnotreadyexception", "modeltimeoutexception",
    "modelstreamerrorexception", "server_is_overloaded", "slow_down",
})  # fmt: skip

# Anthropic; OpenAI and vLLM; Bedrock; Gemini; DeepSeek, Mistral and others in between.
_CONTEXT_WORDS = re.compile(
    r"prompt is too long|input is too long|too long for requested model|exceed(?:s|ed)?\b[^.]{0,80}\bcontext (?:limit|length|window|size)"
    r"|maximum (?:context|model|prompt|input) (?:length|token)|context (?:length|window|size) (?:exceeded|of|limit)|context_length_exceeded"
    r"|exceeds the maximum number of (?:input )?tokens|input token count .{0,40}exceeds|prompt (?:contains|has) .{0,40}tokens.{0,60}max"
    r"|reduce the length of the (?:messages|prompt|input)|too many (?:input )?tokens (?:in|for) ",
    re.IGNORECASE,
)
_QUOTA_WORDS = re.compile(
    r"credit balance is too low|insufficient (?:balance|credits|funds|quota)|exceeded your current quota", re.IGNORECASE
)
_KEY_WORDS = re.compile(r"api key not valid|invalid api key|api key expired|api_key_invalid", re.IGNORECASE)
_FILTER_WORDS = re.compile(r"content (?:filter|policy|management policy)", re.IGNORECASE)
_BUSY_STATUSES = frozenset({408, 409, 425, 429})


def kind_of(status: int, said: ErrorText) -> FaultKind:
    """Return what a refusal means. A content filter is final whatever its status: another target would be a way around it."""
    names = {said.code.lower(), said.type.lower().rpartition("#")[2].partition(":")[0]}
    if names & _FILTER or (400 <= status < 500 and status != 429 and _FILTER_WORDS.search(said.message)):
        return "final"
    if names & _CONTEXT or (status in (400, 413, 422) and _CONTEXT_WORDS.search(said.message)):
        return "context"
    if names & _QUOTA or status == 402 or (400 <= status < 500 and _QUOTA_WORDS.search(said.message)):
        return "quota"
    if status in (401, 403) or (status == 400 and (names & _KEY or _KEY_WORDS.search(said.message))):
        return "key"
    # A redirect is no answer: nothing is followed with a key in hand.
    if status in _BUSY_STATUSES or status >= 500 or status < 400:
        return "retry"
    return "final"


def status_inside(said: ErrorText) -> int:
    """Return the status that an error inside a 200 would have had; 500 where nothing tells."""
    if said.status:
        return said.status
    names = {said.code.lower(), said.type.lower()}
    for found, status in _STATUS_BY_NAMES:
        if names & found:
            return status
    if names & _CONTEXT or names & _FILTER or _CONTEXT_WORDS.search(said.message):
        return 400
    return 429 if names & _QUOTA else 500


_STATUS_BY_NAMES: tuple[tuple[frozenset[str], int], ...] = (
    (frozenset({"overloaded_error"}), 529),
    (
        frozenset(
            {"overloaded", "unavailable", "serviceunavailableexception", "server_is_overloaded", "slow_down", "modelnotreadyexception"}
        ),
        503,
    ),
    (frozenset({"rate_limit_error", "rate_limit_exceeded", "throttlingexception", "resource_exhausted"}), 429),
    (frozenset({"timeout_error", "deadline_exceeded", "modeltimeoutexception"}), 504),
    (_KEY, 401),
    (frozenset({"permission_error", "permission_denied"}), 403),
    (frozenset({"not_found_error", "not_found", "model_not_found"}), 404),
    (frozenset({"billing_error"}), 402),
    (frozenset({"request_too_large"}), 413),
    (_BUSY, 500),
    (frozenset({"invalid_request_error", "invalid_argument", "validationexception", "invalid_prompt"}), 400),
)
