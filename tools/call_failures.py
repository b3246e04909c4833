"""What the door says when a call cannot go on."""

import shlex

from oauth.connections.credentials import Credential
from oauth.connections.errors import UnknownConnection
from tools.operation import Call, Failure, Operation

HOW_TO_CONFIRM = "ask the person; on their yes, run the same by call_api, with the same args and confirm set to this token"


def nested(operation: Operation) -> Failure:
    """Return why a tool that runs operations cannot itself be run by one."""
    return Failure(
        "not_nestable", f"'{operation.id}' cannot run inside another call; name the operation itself", hint="batch_execute runs several"
    )


def timed_out(call: Call) -> Failure:
    """Return what a call that ran out of time means: whether it may be repeated depends on what it is."""
    unsure = call.operation.access != "read" and not call.operation.idempotent
    return Failure(
        code="timeout",
        message=f"'{call.operation.id}' gave no answer within its time limit",
        retryable=not unsure,
        hint="it may have taken effect; look before you repeat it" if unsure else "try again, or ask for less (limit, select, page)",
    )


def unknown_connection(call: Call, error: UnknownConnection) -> Failure:
    """Return which accounts there are."""
    known = ", ".join(error.known) or "none"
    return Failure(
        code="unknown_account",
        message=f"no account '{error.account[:80]}' is connected for '{call.operation.connection}'; connected are: {known}",
        did_you_mean=error.known,
        hint="leave account out to use the default",
    )


def unauthorized(operation: Operation, credential: Credential | None) -> str:
    """Return the way out where an upstream refused `credential` (401): whose account it was, and who mends it where."""
    provider = operation.connection or operation.provider
    connect = f"run connections.connect with provider '{provider}'"
    if credential is None:
        if takes_connection(operation):
            return f"{provider} wants a credential for this and the call carried none; {connect} for the link where an account is connected"
        return f"{provider} wants a credential, and its description declares none for '{operation.id}'; whoever imported it corrects that"
    refused = f"{provider} does not accept the credential of the account '{credential.alias}'"
    if credential.kind == "bearer" and credential.is_renewable:
        refused += ", whose token is renewed now where that is possible; call again in some seconds"
    if credential.is_shared:
        command = f"`ascend connection add-key {provider} --alias {shlex.quote(credential.alias)}`"
        return f"{refused}; everybody here shares it: an operator gives it a new key ({command}), or {connect} for one of the person's own"
    again = f"{connect} and account '{credential.alias}'"
    return f"{refused}; {again} for the link where the person connects it again, as they can at /connections"


def takes_connection(operation: Operation) -> bool:
    """Say whether naming an account means anything: the operation uses a connected one, or may."""
    return operation.connection is not None or bool(operation.binding.get("optional_security"))


def no_connection(operation: Operation, account: str) -> Failure:
    """Return that an account was named where none is used: whoever named it would think that it was."""
    message = f"account: '{account[:80]}' means nothing to '{operation.id}', which uses no connected account; leave account out"
    return Failure("invalid_arguments", message, hint="discover_apis shows the connection of operations that use one")


def not_available(operation: Operation) -> Failure:
    """Return that this gateway has no runner of the operation's kind."""
    return Failure("not_available", f"operations of kind '{operation.kind}' cannot run on this gateway")


def too_long(operation: Operation, timeout_s: float, most_s: float) -> Failure:
    """Return that a call may not take as long as it asks for."""
    message = f"timeout_s: {timeout_s:g} is more than the {most_s:g} s that '{operation.id}' may take; give {most_s:g} or less"
    return Failure(
        "invalid_arguments", message, hint="only tools of MCP servers may take longer than 30 s, as far as the operator lets them"
    )
