"""Who opens a page of the console, and what pages ask of whoever keeps its sessions."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from server.admin.administrators import Administrator
from server.admin.console.address import Address


class ConsoleSessions(Protocol):
    """Sessions that a passkey opened; nothing else opens a page (decision 0067)."""

    async def administrator(self, request: Request) -> Administrator | None:
        """Return who sits there; None: nobody, or not any more."""
        ...

    def sign_in_url(self, onward: str) -> str:
        """Return where somebody proves who they are, to come back to `onward`, a page of the console."""
        ...

    def step_up_url(self, onward: str) -> str:
        """Return where somebody who is signed in proves it once more."""
        ...

    async def form_token(self, request: Request, purpose: str) -> str:
        """Return the token of one form, bound to the session and to `purpose`."""
        ...

    async def check_form(self, request: Request, token: str, purpose: str) -> None:
        """Raise FormRefused unless the post comes from the page that this session was given for `purpose`."""
        ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request of somebody who may be here."""

    request: Request
    administrator: Administrator
    address: Address
    #: said once, by the change that came before
    said: str = ""
