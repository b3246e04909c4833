"""A mail server on loopback that takes mail after STARTTLS, or TLS from the first byte, and AUTH; aiosmtpd speaks SMTP."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.ports import free_port
from tests.tools.egress.certificate import Certificate

USERNAME, PASSWORD = "alerts@example.com", "not-a-real-password"


@dataclass
class Mailbox:
    """`refusals`: what to answer to the next mails instead of taking them."""

    port: int
    mails: list[Message] = field(default_factory=list)
    #: whether each came over TLS, from somebody who signed in
    was_safe: list[bool] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@contextmanager
def mail_server(own: Certificate, *, is_tls: bool = False, offers_starttls: bool = True) -> Iterator[Mailbox]:
    """Run a mail server in a thread, at 127.0.0.1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own.file, own.key_file)
    box = Mailbox(free_port())
    options: dict[str, Any] = {"ssl_context": context} if is_tls else {}
    starttls: dict[str, Any] = {"tls_context": context, "require_starttls": True} if offers_starttls and not is_tls else {}
    controller = Controller(
        _Taking(box, is_tls),
        hostname="127.0.0.1",
        port=box.port,
        authenticator=_authenticated,
        # What comes over TLS from its first byte is no STARTTLS, and the library does not know.
        auth_required=not is_tls,
        auth_require_tls=not is_tls,
        **options,
        **starttls,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


class _Taking:
    def __init__(self, box: Mailbox, is_tls: bool) -> None:
        self._box, self._is_tls = box, is_tls

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._box.refusals:
            return self._box.refusals.pop(0)
        assert isinstance(envelope.content, bytes)
        self._box.mails.append(message_from_bytes(envelope.content))
        self._box.was_safe.append((self._is_tls or bool(session.ssl)) and bool(session.authenticated))
        return "250 taken"


def _authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
