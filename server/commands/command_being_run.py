"""What the audit trail keeps of a command: who ran it, which it was, and what was said to it but for secrets."""

import getpass
import os
import re
from collections.abc import Mapping
from pathlib import Path

import click
from click.core import ParameterSource

from oauth.tenants import DEFAULT_TENANT
from server.audited import Audited
from tools.text.secrets_in_text import redact

#: how the answer looks, and where the data is: no part of what was done
_ABOUT_THE_RUN = frozenset({"data", "as_json"})
#: what these commands are told is about people and texts that can be forgotten; the trail stays, so it has none of it
_OF_MEMORY = ("context ", "rag ")
UNSAID = "[not kept]"
_ID = re.compile(r"(?:ent|fct|epi|doc)_[0-9a-z]{1,13}")
#: options with such names may be given secrets
_SECRET_NAMES = ("password", "secret", "token", "key", "credential")


def command_being_run() -> Audited:
    """Return what the command of the current click context does."""
    context = click.get_current_context(silent=True)
    if context is None:
        return Audited("command", "", operating_system_user())
    _root, _, action = context.command_path.partition(" ")
    arguments = [parameter.name for parameter in context.command.params if isinstance(parameter, click.Argument)]
    given = {name: text for name, value in context.params.items() if (text := _text_of(value)) and _is_told(context, name)}
    if action.startswith(_OF_MEMORY):
        options = {parameter.name: parameter for parameter in context.command.params}
        given = {name: text if _tells_nobody(options[name], text) else UNSAID for name, text in given.items()}
    return Audited(
        "command",
        action,
        operating_system_user(),
        _tenant_of(context.params, action),
        " ".join(given.pop(name) for name in arguments if name in given),
        {f"--{name.replace('_', '-')}": text for name, text in given.items()},
    )


def _tells_nobody(parameter: click.Parameter, text: str) -> bool:
    """Say whether what was given of an option is no word that names anybody: ids, numbers, one of several words of ours, the tenant."""
    is_ours = parameter.name == "tenant" or (isinstance(parameter, click.Option) and parameter.is_flag)
    return is_ours or text.isdecimal() or all(_ID.fullmatch(each) for each in text.split())


def operating_system_user() -> str:
    """Return who runs this process, as the machine knows them."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):  # A container's user has a number and, often, no name.
        return f"local:uid {os.getuid()}"


def _is_told(context: click.Context, name: str) -> bool:
    """Say whether a parameter was given, is about what is done, and cannot be a secret."""
    if name in _ABOUT_THE_RUN or context.get_parameter_source(name) in (ParameterSource.DEFAULT, ParameterSource.PROMPT, None):
        return False
    return not any(word in name for word in _SECRET_NAMES)


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int, float, Path)):
        return redact(str(value))
    if isinstance(value, tuple) and value and all(isinstance(each, (str, int, float, Path)) for each in value):
        return redact(" ".join(map(str, value)))
    return ""


def _tenant_of(params: Mapping[str, object], action: str) -> str:
    """Return whose affair it is; "": the gateway's."""
    if action.startswith("tenant "):
        return str(params.get("name") or "")
    tenant = params.get("tenant") or params.get("tenant_id")
    return tenant if isinstance(tenant, str) else DEFAULT_TENANT if "tenant" in params else ""
