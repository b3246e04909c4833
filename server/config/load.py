"""`ascend.toml`, the environment and the command line -> settings, every fault named at once."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from server.config.errors import SettingsError
from server.config.origin import public_origin
from server.config.served_at import served
from server.config.setting import Setting
from server.config.settings import DECLARED, Settings, sections
from server.config.store import sqlite_url
from server.config.value_kinds import Text

SETTINGS_FILE = "ascend.toml"
#: it says where `ascend.toml` is, so it cannot stand there
DATA_DIR = Setting(
    "ASCEND_DATA_DIR",
    Text("a folder"),
    ".ascend",
    "where the store, the keys, the index and `ascend.toml` are; only as a variable",
    unset="`./.ascend`",
    option="--data",
)


def load(data_dir: Path | None, environ: Mapping[str, str] = os.environ, **overrides: object) -> Settings:
    """Return the settings of `data_dir`: the file first, the environment over it, `overrides` (command line) over both.

    Raises SettingsError with a line for every fault.
    """
    directory = directory_of(data_dir, environ)
    from_file = _from_file(directory / SETTINGS_FILE)
    given = {**from_file, **_from_environment(environ, from_file), **overrides}
    values: dict[str, object] = {}
    faults = []
    for name, value in given.items():
        if value in (None, ""):  # as good as not set, wherever it stands
            continue
        try:
            values[name] = DECLARED[name].kind.checked(value)
        except ValueError as fault:
            faults.append(f"{DECLARED[name].variable}: {fault}")
    is_base_url_set = "base_url" in values
    served_at, served_egress_allow = served(directory)
    if base_url := str(values.get("base_url") or served_at):
        # What a gateway served at it was allowed to: its --insecure-http was given to it alone.
        may_be_http = bool(values.get("insecure_http")) or not is_base_url_set
        try:
            values["base_url"] = public_origin(base_url, may_be_http=may_be_http)
        except SettingsError as fault:
            faults.append(str(fault))
    if faults:
        raise SettingsError("\n".join(faults))
    values.setdefault("database_url", sqlite_url(directory / "ascend.sqlite3"))
    return Settings(
        data_dir=directory,
        is_base_url_set=is_base_url_set,
        is_environment_set="environment" in values,
        served_egress_allow=served_egress_allow,
        **sections(values),
    )


def directory_of(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the data directory: the one that a command names, else what the environment says, else the usual one."""
    return (data_dir or Path(environ.get(DATA_DIR.variable, DATA_DIR.default))).expanduser().resolve()


def misspelled_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return each ASCEND_* variable that sets nothing, and the one that was probably meant, or nothing."""
    known = [DATA_DIR.variable, *(declared.variable for declared in DECLARED.values())]
    unknown = sorted(name for name in environ if name.startswith("ASCEND_") and name not in known)
    return {name: next(iter(get_close_matches(name, known, 1, 0.8)), "") for name in unknown}


def _from_file(path: Path) -> Mapping[str, object]:
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}; correct or remove the file") from error
    if unknown := sorted(set(values) - set(DECLARED)):
        raise SettingsError(f"{path}: unknown setting {unknown[0]!r}; known are {', '.join(DECLARED)}")
    return values


def _from_environment(environ: Mapping[str, str], from_file: Mapping[str, object]) -> Mapping[str, object]:
    found = {}
    for name, declared in DECLARED.items():
        other = environ.get(declared.other_variable, "") if name not in from_file else ""
        if text := environ.get(declared.variable) or other:
            found[name] = declared.kind.read(text)
    return found
