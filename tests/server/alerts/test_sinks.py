"""What arrives at each kind of sink, at servers that check it as the real ones do."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from server.alerts.errors import NotTaken, TryAgain
from server.alerts.groups import Told
from server.alerts.message import AlertMessage, message_of
from server.alerts.rule import Condition
from server.alerts.rules.disk import Disk
from server.alerts.sinks.mail import MailSink, mail_of
from server.alerts.sinks.opened import Sinks
from server.alerts.sinks.slack import SlackSink
from server.alerts.sinks.telegram import TelegramSink
from server.alerts.sinks.webhook import WebhookSink
from server.alerts.states import bounded
from server.config_versions.sections.alerts import SlackSink as SlackSettings
from server.config_versions.sections.alerts import WebhookSink as WebhookSettings
from server.storage.alerts.records import AlertState
from tests.server.alerts.mail_server import PASSWORD, USERNAME, Mailbox, mail_server
from tests.server.alerts.stand_ins import SLACK_PATH, TOKEN, WEBHOOK_SECRET, StandIns, stand_ins
from tests.tools.egress.certificate import Certificate, certificate
from tools.egress.addresses import AddressRules
from tools.egress.client import Egress

NOON_US = 1_795_860_000_000_000
HOSTILE = "<!channel> *bold* <b>&amp; </b> _x_ `y` <script>alert(1)</script>\r\nBcc: eve@example.com\n\n.\r\nQUIT \u202eevil"


def message(*summaries: str) -> AlertMessage:
    found = bounded([Condition(each, {"node": each[:40]}) for each in summaries or ("4 % of the disk is free",)])
    states = [AlertState("disk", each.labels, "firing", each.summary, NOON_US, NOON_US, NOON_US) for each in found]
    return message_of(Disk.kind, Told(states, []), NOON_US, gateway="https://gateway.example", environment="production")


@pytest.fixture
async def servers() -> AsyncIterator[StandIns]:
    async with stand_ins() as found:
        yield found


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    async with Egress(("127.0.0.1:*",)) as found:
        yield found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("mail"), "127.0.0.1")


def mail_sink(box: Mailbox, own: Certificate, *, password: str = PASSWORD, is_tls: bool = False) -> MailSink:
    return MailSink(
        AddressRules(("127.0.0.1:*",)),
        "127.0.0.1",
        box.port,
        is_tls,
        "alerts@example.com",
        ("ada@example.com", "bob@example.com"),
        USERNAME,
        password,
        own.file,
    )


async def test_slack_gets_blocks_in_which_nothing_mentions_or_links(servers: StandIns, egress: Egress) -> None:
    """api.slack.com/reference/surfaces/formatting: &, < and > are read, and so are marks of emphasis."""
    await SlackSink(egress.send, servers.base_url + SLACK_PATH).send("d1", message(HOSTILE))
    (body,) = servers.slack
    assert body["blocks"][0]["text"]["text"] == "[CRITICAL] disk (production https://gateway.example)"
    told = body["blocks"][1]["text"]["text"]
    assert "&lt;!channel&gt;" in told
    assert not {"<", ">", "\u202e", "\r", "*bold*"} & {sign for sign in ("<", ">", "\u202e", "\r", "*bold*") if sign in told}
    assert "make room on the disk" in body["blocks"][2]["elements"][0]["text"]


async def test_slack_takes_a_message_of_very_many_alerts(servers: StandIns, egress: Egress) -> None:
    """A section has 3,000 characters at most; what is cut is cut at a line."""
    await SlackSink(egress.send, servers.base_url + SLACK_PATH).send("d1", message(*(f"{place} {'&' * 290}" for place in range(50))))
    assert servers.slack[0]["blocks"][1]["text"]["text"].endswith("…")


async def test_telegram_gets_html_that_parses(servers: StandIns, egress: Egress) -> None:
    """core.telegram.org/bots/api#html-style."""
    sink = TelegramSink(egress.send, servers.base_url, "-100123", TOKEN)
    await sink.send("d1", message(HOSTILE))
    await sink.send("d2", message(*(f"{place} {'<' * 290}" for place in range(50))))
    assert "&lt;script&gt;" in servers.telegram[0]["text"]
    assert servers.telegram[0]["chat_id"] == "-100123"
    assert servers.telegram[1]["text"].endswith("…")


async def test_a_webhook_is_signed_so_that_the_library_believes_it(servers: StandIns, egress: Egress) -> None:
    """Standard Webhooks 1.0; the id stays what it is when a message is sent again."""
    sink = WebhookSink(egress.send, servers.base_url + "/hook", WEBHOOK_SECRET)
    await sink.send("d1", message(HOSTILE))
    await sink.send("d1", message(HOSTILE))
    (first, body), (second, _) = servers.webhook
    assert first == second == "msg_d1"
    assert (body["type"], body["data"]["rule"], body["data"]["firing"]) == ("alert.firing", "disk", 1)


async def test_a_webhook_with_a_secret_that_is_none_says_so(servers: StandIns, egress: Egress) -> None:
    with pytest.raises(NotTaken, match="its secret is no secret of Standard Webhooks"):
        await WebhookSink(egress.send, servers.base_url + "/hook", "short").send("d1", message())
    with pytest.raises(NotTaken, match="it answered 401"):
        await WebhookSink(egress.send, servers.base_url + "/hook", "whsec_" + "QUJD" * 10).send("d1", message())


@pytest.mark.parametrize(
    ("answer", "after_s"),
    [
        (lambda: web.Response(status=503), None),
        (lambda: web.Response(status=429, headers={"retry-after": "120"}), 120.0),
        (lambda: web.Response(status=503, headers={"retry-after": format_datetime(datetime.now(UTC) - timedelta(hours=1))}), 0.0),
        (lambda: web.json_response({"ok": False, "parameters": {"retry_after": 35}}, status=429), 35.0),
        (lambda: web.Response(status=500, headers={"retry-after": "soon"}), None),
    ],
)
async def test_what_says_later_is_tried_again_when_it_says(
    servers: StandIns, egress: Egress, answer: Callable[[], web.Response], after_s: float | None
) -> None:
    """RFC 9110 §10.2.3; core.telegram.org/bots/api#responseparameters."""
    servers.answers.append(answer)
    with pytest.raises(TryAgain) as caught:
        await SlackSink(egress.send, servers.base_url + SLACK_PATH).send("d1", message())
    assert caught.value.after_s == after_s


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
async def test_what_says_never_is_not_tried_again_and_no_address_is_told(servers: StandIns, egress: Egress, status: int) -> None:
    """A redirect is followed nowhere: the body would go where nobody set it to."""
    servers.answers.append(lambda: web.Response(status=status, headers={"location": "http://127.0.0.1:1/"}))
    with pytest.raises(NotTaken) as caught:
        await TelegramSink(egress.send, servers.base_url, "1", TOKEN).send("d1", message())
    assert str(caught.value) == f"it answered {status}"


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://127.0.0.1:9/x", "http://localhost/x"])
async def test_a_sink_reaches_no_private_address(url: str) -> None:
    async with Egress() as egress:
        with pytest.raises(NotTaken, match="not public; ASCEND_EGRESS_ALLOW"):
            await SlackSink(egress.send, url).send("d1", message())


@pytest.mark.parametrize("is_tls", [False, True], ids=["starttls", "tls"])
async def test_mail_goes_over_tls_by_somebody_who_signed_in(own: Certificate, is_tls: bool) -> None:
    """RFC 8314: STARTTLS or TLS from the first byte; RFC 4954."""
    with mail_server(own, is_tls=is_tls) as box:
        await mail_sink(box, own, is_tls=is_tls).send("d1", message("4 % of the disk ‒ ünï"))
    (mail,) = box.mails
    assert box.was_safe == [True]
    assert str(make_header(decode_header(mail["Subject"]))) == "[CRITICAL] disk (production https://gateway.example)"
    assert (mail["Message-ID"], mail["To"]) == ("<d1@example.com>", "ada@example.com, bob@example.com")
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert "4 % of the disk ‒ ünï" in payload.decode()


async def test_what_others_chose_is_no_header_of_a_mail() -> None:
    """RFC 5322 §2.2: a line break in a subject would begin the next field."""
    told = message()
    hostile = AlertMessage(**{name: getattr(told, name) for name in told.__slots__} | {"environment": HOSTILE})
    mail = mail_of(hostile, "d1", "alerts@example.com", ["ada@example.com"])
    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])
    assert b"\r\nBcc:" not in mail.as_bytes().partition(b"\r\n\r\n")[0]


async def test_no_password_goes_to_a_server_that_offers_no_tls(own: Certificate) -> None:
    """Who strips the offer of STARTTLS on the way gets nothing (RFC 8314 §3)."""
    with mail_server(own, offers_starttls=False) as box, pytest.raises(NotTaken, match="STARTTLS"):
        await mail_sink(box, own).send("d1", message())
    assert box.mails == []


async def test_no_mail_goes_to_a_server_whose_certificate_is_anybodys(own: Certificate, tmp_path: Path) -> None:
    with mail_server(own) as box, pytest.raises(TryAgain, match="certificate"):
        await mail_sink(box, certificate(tmp_path, "127.0.0.1")).send("d1", message())
    assert box.mails == []


async def test_a_wrong_password_is_not_tried_again_and_a_full_mailbox_is(own: Certificate) -> None:
    """RFC 5321 §4.2.1: 4yz later, 5yz never."""
    with mail_server(own) as box:
        with pytest.raises(NotTaken, match="user name and password"):
            await mail_sink(box, own, password="wrong").send("d1", message())
        box.refusals += ["452 full", "554 no thanks"]
        with pytest.raises(TryAgain, match="452"):
            await mail_sink(box, own).send("d1", message())
        with pytest.raises(NotTaken, match="554"):
            await mail_sink(box, own).send("d1", message())


@pytest.mark.parametrize(("host", "port"), [("10.0.0.1", 587), ("127.0.0.1", 25), ("smtp.example.com", 6379), ("mail.internal", 465)])
async def test_mail_reaches_no_private_address_and_no_other_kind_of_service(host: str, port: int) -> None:
    sink = MailSink(AddressRules(), host, port, False, "a@example.com", ("b@example.com",))
    with pytest.raises(NotTaken, match="may not be called"):
        await sink.send("d1", message())


async def test_an_address_in_the_vault_leads_past_no_strangers_in_the_clear(egress: Egress) -> None:
    async def reveal(_name: str) -> str:
        return "http://hooks.example.com/x"

    for sink in (
        SlackSettings(name="a", kind="slack", url="vault:x"),
        WebhookSettings(name="b", kind="webhook", url="vault:x", secret="vault:y"),
    ):
        with pytest.raises(NotTaken, match="must begin with https://"):
            await Sinks(egress, reveal).open(sink)
