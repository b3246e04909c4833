"""Why a page gave nothing.

BrowserFault          (a ToolError)
├── BrowserMissing    no Chromium can be started or reached
├── BrowserGone       it ended under the call
└── PageFailed        the page did not come, or is none
"""

from tools.errors import ToolError
from tools.operation import Failure


class BrowserFault(ToolError):
    pass


class BrowserMissing(BrowserFault):
    """`why`: what starting it, or connecting to it, said."""

    def __init__(self, why: str) -> None:
        hint = "an operator looks at ASCEND_BROWSER: a Chromium that can be started as this user, or the CDP endpoint of one that runs"
        super().__init__(Failure("browser_unavailable", f"no browser could be had: {why}", retryable=True, hint=hint, sent=False))


class BrowserGone(BrowserFault):
    def __init__(self) -> None:
        message = "the browser, or the process of the page, ended before there was an answer"
        hint = "call again: another browser is started; where this very page ends it each time, leave out scripts (javascript: false)"
        super().__init__(Failure("browser_crashed", message, retryable=True, hint=hint))


class PageFailed(BrowserFault):
    def __init__(self, code: str, message: str, hint: str | None = None, *, retryable: bool = False) -> None:
        super().__init__(Failure(code, message, retryable=retryable, hint=hint))
