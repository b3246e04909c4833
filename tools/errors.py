"""Why an operation did not run or did not finish.

ToolError
├── UnknownOperation      no such operation for this tenant
├── InvalidArguments      the arguments do not fit the input schema
├── NotPermitted          the token lacks scopes
├── UpstreamFailed        the upstream could not be reached, or answered with an error
├── EgressRefused         the address may not be called from here
├── ImportFailed          a document or server cannot become operations
├── InvalidPlan           a batch plan has faults
├── Busy                  no place became free in time
├── QuotaExceeded         there is no room for one more
├── NotRead               an answer came, and nobody was free to read it
└── TooLarge              an answer cannot be read within memory or time
    └── TookTooLong       within time
StoreAway                 what a package remembers cannot be read or written now
"""

from tools.operation import Failure


class ToolError(Exception):
    """Carries the Failure that the caller is shown."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class StoreAway(Exception):
    """What a package must remember (its stores.py) cannot be read or written now; whoever keeps it raises this, or what is one."""


class UnknownOperation(ToolError):
    pass


class InvalidArguments(ToolError):
    pass


class NotPermitted(ToolError):
    pass


class UpstreamFailed(ToolError):
    pass


class EgressRefused(ToolError):
    pass


class ImportFailed(ToolError):
    pass


class InvalidPlan(ToolError):
    pass


class Busy(ToolError):
    """No place became free in time. Nothing was begun."""

    def __init__(self, what: str) -> None:
        message = f"{what} stayed busy until the time of this call was over; nothing was begun"
        hint = "nobody gets more than a share of it: run fewer calls at a time, or try again in a moment"
        super().__init__(Failure("busy", message, retryable=True, retry_after_s=2.0, hint=hint))


class QuotaExceeded(ToolError):
    """There is no room for one more. Nothing was kept."""

    def __init__(self, quota: str, hint: str) -> None:
        super().__init__(Failure("quota_exceeded", f"the quota of {quota} is used up", hint=hint))


class NotRead(ToolError):
    """Nobody was free to read it in time. What was to be read is there: an answer, so something was sent."""

    def __init__(self) -> None:
        message = "it was not read: what reads large answers and works out long expressions stayed busy until this call's time was over"
        super().__init__(Failure("answer_not_read", message, hint="run fewer of them at a time, or select less"))


class TooLarge(ToolError):
    """The answer cannot be read within the memory or the time that there is."""

    def __init__(self, why: str) -> None:
        super().__init__(
            Failure("answer_too_large", f"the answer is too large to be read: {why}", hint="ask the API for less of it at once")
        )


class TookTooLong(TooLarge):
    """The time for it was over before it was read."""

    def __init__(self) -> None:
        super().__init__("it takes too long")
