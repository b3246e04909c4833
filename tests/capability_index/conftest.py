"""The word table, loaded once, and a small catalogue."""

import pytest

from capability_index.documents import Document, ParameterText
from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.index import CapabilityIndex


@pytest.fixture(scope="session")
def table() -> WordTable:
    return load_word_table()


@pytest.fixture(scope="session")
def catalogue() -> list[Document]:
    return [
        Document("crm.contacts.search", "Search contacts", "Find people in the CRM by name or email.", provider="crm"),
        Document("crm.contacts.create", "Create contact", "Add a person to the CRM.", "", (ParameterText("email"),), provider="crm"),
        Document("crm.deals.create", "Create deal", "Open a sales opportunity.", "", (ParameterText("amount"),), provider="crm"),
        Document("crm.deals.delete", "delete_deal", "Remove a sales opportunity for good.", provider="crm"),
        Document("shop.orders.delete", "deleteOrder", "Remove an order that a customer placed.", provider="shop"),
        Document("shop.orders.list", "listOrders", "Orders of a customer, newest first.", provider="shop"),
        Document("weather.forecast", "getForecast", "Weather forecast for a city.", "", (ParameterText("city"),), provider="weather"),
        Document("mail.send", "sendEmail", "Send an email to one or more people.", provider="mail"),
        Document("mail.search", "searchMail", "Find emails by sender or words.", provider="mail"),
        Document("calendar.create", "createEvent", "Put a meeting into the calendar.", provider="calendar"),
    ]


@pytest.fixture
def index(table: WordTable, catalogue: list[Document]) -> CapabilityIndex:
    """An index of the small catalogue, shared by all tenants."""
    filled = CapabilityIndex(table)
    filled.upsert("*", catalogue)
    return filled
