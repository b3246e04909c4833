"""Why an operation did not run or did not finish.

ToolError
├── UnknownOperation      no such operation for this tenant
├── InvalidArguments      the arguments do not fit the input schema
├── NotPermitted          the token lacks scopes
├── UpstreamFailed        the upstream could not be reached, or answered with an error
├── EgressRefused         the address may not be called from here
├── ImportFailed          a document or server cannot become operations
└── InvalidPlan           a batch plan has faults
"""

from tools.operation import Failure


class ToolError(Exception):
    """Carries the Failure that the caller is shown."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


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
