"""A sink as it is set, opened: its secrets come from the vault, and what e-mail needs is loaded only for e-mail."""

from collections.abc import Awaitable, Callable
from importlib import import_module

from oauth.vault.named_secrets import named_in
from server.alerts.errors import NotTaken
from server.alerts.sinks.sink import Sink
from server.alerts.sinks.slack import SlackSink as OpenSlack
from server.alerts.sinks.telegram import TelegramSink as OpenTelegram
from server.alerts.sinks.webhook import WebhookSink as OpenWebhook
from server.config_versions.sections.alerts import AlertSink, EmailSink, SlackSink, TelegramSink, WebhookSink
from tools.egress.client import Egress
from tools.egress.plain_http import PLAIN_HTTP_FAULT, is_in_the_clear

#: name in the vault -> the secret. Raises NotTaken where there is none.
Reveal = Callable[[str], Awaitable[str]]


class Sinks:
    """Opens sinks for one message: a secret that is replaced holds from the next message on."""

    def __init__(self, egress: Egress, reveal: Reveal) -> None:
        self._egress, self._reveal = egress, reveal

    async def open(self, sink: AlertSink) -> Sink:
        """Raises NotTaken where a secret is missing."""
        if isinstance(sink, SlackSink):
            return OpenSlack(self._egress.send, await self.address(sink.url))
        if isinstance(sink, TelegramSink):
            return OpenTelegram(self._egress.send, sink.api, sink.chat, await self.text(sink.token))
        if isinstance(sink, WebhookSink):
            return OpenWebhook(self._egress.send, await self.address(sink.url), await self.text(sink.secret))
        return await self._mail(sink)

    async def text(self, said: str) -> str:
        """Return a text, or the secret that it names."""
        name = named_in(said)
        return said if name is None else await self._reveal(name)

    async def address(self, said: str) -> str:
        """Return an address, or the one that a secret is. Raises NotTaken where it leads past strangers in the clear."""
        found = await self.text(said)
        if is_in_the_clear(found):
            raise NotTaken(f"the address {PLAIN_HTTP_FAULT}")
        return found

    async def _mail(self, sink: EmailSink) -> Sink:
        # decision 0059: only whoever mails loads what speaks SMTP.
        opened: Sink = import_module("server.alerts.sinks.mail").MailSink(
            rules=self._egress.rules,
            host=sink.host,
            port=sink.port,
            is_tls=sink.security == "tls",
            sender=sink.sender,
            recipients=sink.recipients,
            username=sink.username,
            password=await self.text(sink.password) if sink.password else "",
        )
        return opened
