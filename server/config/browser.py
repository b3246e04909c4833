"""Settings: the browser that pages are looked at with."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar, Final
from urllib.parse import urlsplit

from server.config.setting import setting
from server.config.value_kinds import HOSTS_AND_PORTS, Switch

_NAME: Final = re.compile(r"[\w./+@-]{1,4096}")


@dataclass(frozen=True, slots=True)
class BrowserPlace:
    """A program, or the CDP endpoint of a browser that finds our proxy at its own 127.0.0.1."""

    says: str = "a program, or `http://127.0.0.1:port`"

    def read(self, text: str) -> object:
        return text

    def checked(self, value: object) -> object:
        if not isinstance(value, str) or not value:
            raise ValueError(f"{value!r} is no program; give a path such as /usr/bin/chromium, or unset it")
        if "://" not in value:
            if _NAME.fullmatch(value) is None:
                raise ValueError(f"{value!r} is no program; give a path such as /usr/bin/chromium")
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "ws") or not _is_loopback(parts.hostname or ""):
            raise ValueError(
                f"{value!r} is not on this machine; pages reach the network by a proxy at 127.0.0.1, so give a browser that shares "
                "it, such as http://127.0.0.1:9222 (a sidecar in the same pod does)"
            )
        return value


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSettings:
    """Whether pages can be looked at, and with what."""

    title: ClassVar[str] = "Browser"

    browser: str = setting(
        "ASCEND_BROWSER",
        BrowserPlace(),
        "",
        "a Chromium for `browser.screenshot`, `browser.pdf`, `browser.json` and `browser.crawl`; needs the extra `browser`",
        unset="there are no such operations",
        guide="browser.md",
    )
    browser_allow: tuple[str, ...] = setting(
        "ASCEND_BROWSER_ALLOW",
        HOSTS_AND_PORTS,
        (),
        "private addresses that pages may reach, whoever opens them; apart from `ASCEND_EGRESS_ALLOW`, which holds for imported operations",
        unset="none",
        guide="browser.md",
    )
    browser_sandbox: bool = setting(
        "ASCEND_BROWSER_SANDBOX",
        Switch(),
        True,
        "Chromium's own sandbox around the processes of pages; off only where another holds them, as in a container of the browser alone",
        unset="on",
        guide="browser.md",
    )
