"""The declaration of one setting: what the reader, the guide and `ascend settings` know of it."""

from dataclasses import dataclass, field
from typing import Any

from server.config.value_kinds import Secret, ValueKind

_KEY = "setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an operator can set. In `ascend.toml` it has the name of its field."""

    #: its name in the environment
    variable: str
    kind: ValueKind
    default: Any
    #: one sentence, without a full stop
    says: str
    #: what holds when it is not set, where `default` does not tell
    unset: str = ""
    #: page of docs/guides with more about it
    guide: str = ""
    #: option of `ascend serve` that sets it too
    option: str = ""
    #: what other servers call it; read where ours is not set anywhere
    other_variable: str = ""
    #: a change is taken over by a running gateway; otherwise by the next start
    is_reloadable: bool = False

    @property
    def is_secret(self) -> bool:
        return isinstance(self.kind, Secret)

    @property
    def when_unset(self) -> str:
        """Say what holds when it is not set."""
        if self.unset or self.default in ((), "", None):
            return self.unset or "none"
        return "off" if self.default is False else f"`{self.default:g}`" if isinstance(self.default, float) else f"`{self.default}`"


def setting(variable: str, kind: ValueKind, default: Any, says: str, **more: Any) -> Any:
    """Declare a field of a section as a setting; `more` are the other members of `Setting`. A secret stays out of `repr`."""
    declared = Setting(variable, kind, default, says, **more)
    return field(default=default, repr=not declared.is_secret, metadata={_KEY: declared})


def declaration_of(metadata: Any) -> Setting:
    """Return the setting that a section's field declares."""
    declared: Setting = metadata[_KEY]
    return declared
