"""Keys of an account in a request: several of them, each in its place, with what a document says stands before them."""

import io
import json
from typing import Any

import orjson
import pytest

from oauth.connections.credentials import Credential
from server.commands.frame import CommandFailed
from server.commands.key_input import read_keys
from tools.errors import ImportFailed
from tools.operation import Operation
from tools.sources.http.credentials import auth_parameters_of, masked
from tools.sources.key_parts import KeyPart, key_parts
from tools.sources.openapi.import_document import import_document
from tools.sources.openapi.overlay import Overlay

PLAID = {
    "clientId": {"type": "apiKey", "in": "header", "name": "PLAID-CLIENT-ID"},
    "secret": {"type": "apiKey", "in": "header", "name": "PLAID-SECRET"},
    "plaidVersion": {"type": "apiKey", "in": "header", "name": "Plaid-Version"},
}
VALUES = {"clientId": "client-5", "secret": "hush-hush", "plaidVersion": "2020-09-14"}


def imported(schemes: dict[str, Any], overlay: Overlay | None = None) -> Operation:
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "components": {"securitySchemes": schemes},
        "security": [{name: [] for name in schemes}],
        "paths": {"/things": {"get": {"responses": {"200": {"description": "ok"}}}}},
    }
    return import_document(orjson.dumps(document), provider="plaid", tenant_id=None, location="t.json", overlay=overlay).operations[0]


def headers(operation: Operation, secret: str) -> dict[str, str]:
    return dict(auth_parameters_of(operation.binding, Credential("api_key", secret)).headers)


def test_each_of_several_keys_goes_into_its_own_header() -> None:
    """Plaid: client id, secret and version; an account with one key for all works as it did."""
    operation = imported(PLAID)
    assert headers(operation, json.dumps(VALUES)) == {
        "PLAID-CLIENT-ID": "client-5",
        "PLAID-SECRET": "hush-hush",
        "Plaid-Version": "2020-09-14",
    }
    assert set(headers(operation, "one").values()) == {"one"}
    assert [part.scheme for part in key_parts([operation])] == list(PLAID)


@pytest.mark.parametrize(
    ("description", "sent"),
    [
        ("The API Key with format `Token token=<API_KEY>`", "Token token=k3y"),
        ('Send "Bot <token>" of your application', "Bot k3y"),
        ("`Authorization: Key {your_key}`", "Key k3y"),
        ("Discord bot token", "k3y"),
        ("Use <b>bold</b> and `GET /{id}`, or `x`", "k3y"),
        ("`<API_KEY>`", "k3y"),
        (None, "k3y"),
        (7, "k3y"),
    ],
)
def test_a_prefix_that_the_description_shows_stands_before_the_key(description: Any, sent: str) -> None:
    """Only what is quoted and ends in a placeholder is a format; a key that was kept with its prefix is sent as it is."""
    scheme = {"type": "apiKey", "in": "header", "name": "Authorization"} | ({"description": description} if description else {})
    operation = imported({"key": scheme})
    assert headers(operation, "k3y") == {"Authorization": sent}
    assert headers(operation, sent) == {"Authorization": sent}


def test_an_overlay_says_what_stands_before_a_key() -> None:
    """Where the document does not, or is wrong; a scheme that is not there is told."""
    scheme = {"BotToken": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token <it>`"}}
    assert headers(imported(scheme, Overlay(key_prefixes={"BotToken": "Bot "})), "k3y") == {"Authorization": "Bot k3y"}
    assert headers(imported(scheme, Overlay(key_prefixes={"BotToken": ""})), "k3y") == {"Authorization": "k3y"}
    with pytest.raises(ImportFailed) as failed:
        imported(scheme, Overlay(key_prefixes={"BotTokn": "Bot "}))
    assert failed.value.failure.did_you_mean == ("BotToken",)


@pytest.mark.parametrize(("kind", "shown"), [("api_key", "Bot ***"), (None, "Bot ***"), ("bearer", "Bearer ***")])
def test_a_request_is_shown_as_it_is_sent_but_for_the_secret(kind: Any, shown: str) -> None:
    """dry_run: the prefix of the account's kind, never another."""
    operation = imported({"key": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Bot <token>`"}})
    assert auth_parameters_of(operation.binding, masked(operation.binding, kind)).headers == [("Authorization", shown)]


def test_all_keys_are_asked_for_and_half_of_them_are_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """`connection add-key`: a line for each; what is missing is named with the way to give it."""
    parts = key_parts([imported(PLAID)])
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(VALUES.values())))
    assert json.loads(read_keys("plaid", parts, from_env=False)) == VALUES
    monkeypatch.setattr("sys.stdin", io.StringIO("client-5\n"))
    with pytest.raises(CommandFailed, match=r"plaid takes 3 keys, and there is no secret \(header PLAID-SECRET\)"):
        read_keys("plaid", parts, from_env=False)


def test_keys_come_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """--from-env: by the header's name, or the document's name of the key after the provider's."""
    parts = key_parts([imported(PLAID)])
    monkeypatch.setenv("PLAID_CLIENT_ID", "client-5")
    monkeypatch.setenv("PLAID_VERSION", "2020-09-14")
    monkeypatch.delenv("PLAID_SECRET", raising=False)
    with pytest.raises(CommandFailed, match="set PLAID_SECRET"):
        read_keys("plaid", parts, from_env=True)
    monkeypatch.setenv("PLAID_SECRET", "hush-hush")
    assert json.loads(read_keys("plaid", parts, from_env=True)) == VALUES
    monkeypatch.setenv("WEATHER_X_API_KEY", "one")
    assert read_keys("weather", [KeyPart("key", "X-Api-Key", "header")], from_env=True) == "one"
