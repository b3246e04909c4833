"""E-mail by a server that takes submissions (RFC 6409), with STARTTLS or TLS from the first byte (RFC 8314), never without."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
import anyio

from server.alerts.errors import DeliveryFailed, NotTaken, TryAgain
from server.alerts.message import AlertMessage
from tools.egress.addresses import AddressRules
from tools.egress.connector import AddressRefused
from tools.egress.mail_connection import mail_connection
from tools.errors import EgressRefused
from tools.plain_text import visible

TIMEOUT_S = 20.0
MAX_SUBJECT_CHARS = 200


@dataclass(frozen=True, slots=True)
class MailSink:
    rules: AddressRules
    host: str
    port: int
    is_tls: bool
    sender: str
    recipients: Sequence[str]
    username: str = ""
    password: str = field(default="", repr=False)
    #: whom it trusts; None: whom the machine does
    authorities: Path | None = None

    async def send(self, delivery_id: str, message: AlertMessage) -> None:
        mail = mail_of(message, delivery_id, self.sender, self.recipients)
        try:
            with anyio.fail_after(TIMEOUT_S):
                await self._hand_over(mail)
        except TimeoutError as error:
            raise TryAgain("it did not take the mail in time") from error
        except EgressRefused as error:
            raise NotTaken(f"{error.failure.message}; ASCEND_EGRESS_ALLOW=host:port allows it") from error
        except aiosmtplib.SMTPException as error:
            raise _failure(error) from error
        except AddressRefused as error:
            raise NotTaken("its name leads to an address that is not public; ASCEND_EGRESS_ALLOW=host:port allows it") from error
        except ssl.SSLError as error:
            raise TryAgain("its certificate is not one that we trust") from error
        except OSError as error:
            raise TryAgain("it could not be reached") from error

    async def _hand_over(self, mail: EmailMessage) -> None:
        client = aiosmtplib.SMTP(
            hostname=self.host,
            sock=await mail_connection(self.rules, self.host, self.port),
            use_tls=self.is_tls,
            # Demanded, not tried: who strips the offer of STARTTLS gets neither the password nor the text (RFC 8314 §3).
            start_tls=not self.is_tls,
            tls_context=ssl.create_default_context(cafile=self.authorities),
            timeout=TIMEOUT_S,
        )
        try:
            await client.connect()
            if self.username:
                await client.login(self.username, self.password)
            await client.send_message(mail, sender=self.sender, recipients=list(self.recipients))
        finally:
            client.close()


def mail_of(message: AlertMessage, delivery_id: str, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the mail; its Message-ID stays the same when it is tried again, so that a mailbox may drop the second."""
    mail = EmailMessage(SMTP_POLICY)
    # One line of visible characters: what a label says is no second header (RFC 5322 §2.2; the policy refuses line breaks, too).
    mail["Subject"] = visible(message.title)[:MAX_SUBJECT_CHARS]
    mail["From"] = Address("Ascend Gateway", addr_spec=sender)
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(datetime.fromisoformat(message.at).astimezone(UTC))
    mail["Message-ID"] = f"<{delivery_id}@{sender.rpartition('@')[2]}>"
    # RFC 3834 §5: no out-of-office answers.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join([message.title, "", *message.lines, "", message.hint, ""]))
    return mail


def _failure(error: aiosmtplib.SMTPException) -> DeliveryFailed:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return (
            NotTaken(f"it does not take our user name and password ({error.code})")
            if error.code >= 500
            else TryAgain(f"it answered {error.code}")
        )
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [each.code for each in error.recipients]
        return NotTaken("it refuses every recipient") if all(code >= 500 for code in codes) else TryAgain("it takes no recipient now")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # RFC 5321 §4.2.1: 4yz may go well later, 5yz does not.
        return TryAgain(f"it answered {error.code}") if error.code < 500 else NotTaken(f"it answered {error.code}")
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return TryAgain("it did not take the mail in time")
    if isinstance(error.__cause__, ssl.SSLError):
        return TryAgain("its certificate is not one that we trust")
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return NotTaken("it offers no STARTTLS, or no way to sign in that we know")
    if "starttls" in str(error).lower():
        return NotTaken("it offers no STARTTLS")
    return TryAgain("it broke off the conversation")
