"""A person connects an account of the demo CRM: our pages and the CRM's consent, as plain HTTP."""

from dataclasses import replace

import httpx2

from oauth.sign_in.passwords import Passwords
from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.operator_issued import OperatorIssuedTokens
from server.commands.scopes import scoping
from server.commands.user import local_subject
from server.config.load import load
from server.storage.store import open_store
from tests.flows.gateway_process import RunningGateway
from tests.flows.person import Person

PASSWORD = "correct-horse-battery"


async def new_person(gateway: RunningGateway, email: str) -> Person:
    """Return somebody who can sign in and has connected nothing; what `ascend user add` does."""
    async with open_store(load(gateway.data_dir, {})) as store:
        await Passwords(store.subjects).add_subject(DEFAULT_TENANT, email, PASSWORD)
    return Person(email, PASSWORD)


async def token_of(gateway: RunningGateway, person: Person) -> str:
    """Return an access token with every scope; what `ascend token mint` does."""
    settings = load(gateway.data_dir, {})
    async with open_store(settings) as store:
        _tenants, resources, scopes = await scoping(settings, store)
        subject_id = await local_subject(store, DEFAULT_TENANT, person.email)
        return (
            await OperatorIssuedTokens(store.grants, resources, scopes.allowed).mint(DEFAULT_TENANT, subject_id, None, 3600)
        ).access_token


async def connect(person: Person, link: str, owner_id: str = "own_1", decision: str = "allow") -> str:
    """Open `link` as `person`: sign in, continue, answer the CRM; return the page at the end."""
    async with httpx2.AsyncClient(timeout=20) as browser:
        return await replace(person, owner_id=owner_id, decision=decision).walk(browser, link)
