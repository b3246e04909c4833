"""What the AI gateway itself says no to, and how a call fails; the surface that answers puts it into the caller's dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class ModelCallRefused(Exception):
    """No answer of a provider: `code` is the contract's (`x-gateway-error`), `status` its HTTP status.

    `param` names the member of the body that is at fault; `headers` go out with the answer (Retry-After, rate limits).
    """

    code: str
    status: int
    message: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def unauthenticated() -> ModelCallRefused:
    # One text for all reasons: which part of a key is wrong helps only who guesses.
    way = "a caller's key of this gateway (`ascend ai key mint` makes one), or an access token for it with llm:write"
    return ModelCallRefused("unauthenticated", 401, f"send {way}, as Authorization: Bearer or as x-api-key")


def two_credentials() -> ModelCallRefused:
    """Say that it is open who calls; that tells nothing of either credential."""
    return ModelCallRefused(
        "unauthenticated", 401, "authorization and x-api-key hold two different keys; send one of them, or the same in both"
    )


def forbidden(message: str) -> ModelCallRefused:
    return ModelCallRefused("forbidden", 403, message)


def model_not_allowed(model: str, whose: str) -> ModelCallRefused:
    return ModelCallRefused("model_not_allowed", 403, f"{model!r} is not among the models that {whose} may use", "model")


def model_not_found(message: str) -> ModelCallRefused:
    return ModelCallRefused("model_not_found", 404, message, "model")


def invalid_request(message: str, param: str | None = None) -> ModelCallRefused:
    return ModelCallRefused("invalid_request", 400, message, param)


def unsupported(what: str, where: str) -> ModelCallRefused:
    """Say that `what` cannot be translated for `where`; it is refused by name, never dropped."""
    return ModelCallRefused("unsupported", 400, f"{what} cannot be said to {where}; leave it out, or choose another model", what)


def frontier_needs_model() -> ModelCallRefused:
    return ModelCallRefused(
        "frontier_needs_model", 400, "frontier is no model: name one as provider/model, or ask for bulk or standard", "model"
    )


def budget_exceeded(name: str, message: str) -> ModelCallRefused:
    # openai and anthropic SDKs obey x-should-retry before the status.
    return ModelCallRefused("budget_exceeded", 402, message, name, {"x-should-retry": "false"})


def upstream_failed(message: str) -> ModelCallRefused:
    return ModelCallRefused("upstream_failed", 502, message)


def upstream_timeout(message: str) -> ModelCallRefused:
    return ModelCallRefused("upstream_timeout", 504, message)


def no_target(message: str, retry_after_s: int) -> ModelCallRefused:
    return ModelCallRefused("no_target", 503, message, headers={"retry-after": str(retry_after_s)})


def not_set_up(message: str, retry_after_s: int) -> ModelCallRefused:
    """Say that no target can serve this before an operator changes something: SDKs, which would wait and repeat, are told not to."""
    return ModelCallRefused("no_target", 503, message, headers={"retry-after": str(retry_after_s), "x-should-retry": "false"})


def rate_limited(message: str, headers: Mapping[str, str]) -> ModelCallRefused:
    return ModelCallRefused("rate_limited", 429, message, headers=headers)


def model_unpriced(models: str, budget: str) -> ModelCallRefused:
    message = f"there is no price for {models}, and budget {budget!r} is in dollars; add it under [[prices]] and `ascend ai apply`"
    return ModelCallRefused("model_unpriced", 400, message, "model")
