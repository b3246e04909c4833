"""Where the gateway was last served from a data directory, for the commands beside it."""

from pathlib import Path

from server.config.settings import Settings

#: one line each: the origin, then every `host:port` that may be called although private
_FILE = "served-at"


def remember_served(settings: Settings) -> None:
    """Note where this gateway is served and what it may call, so that commands beside it speak of the same addresses."""
    lines = (settings.base_url, *settings.egress.egress_allow, "")
    (settings.data_dir / _FILE).write_text("\n".join(lines), encoding="utf-8")


def served(directory: Path) -> tuple[str, tuple[str, ...]]:
    """Return the origin that the last `ascend serve` on this data directory had, or nothing, and what it let through."""
    try:
        origin, *allowed = (directory / _FILE).read_text(encoding="utf-8").split() or [""]
    except OSError:
        return "", ()
    return origin, tuple(allowed)
