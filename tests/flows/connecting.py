"""A person connects an account of the demo CRM: our pages and the CRM's consent, as plain HTTP."""

from dataclasses import replace

import httpx2

from tests.flows.gateway_process import RunningGateway, ascend
from tests.flows.person import Person

PASSWORD = "correct-horse-battery"


def new_person(gateway: RunningGateway, email: str) -> Person:
    """Return somebody who can sign in and has connected nothing."""
    done = ascend("user", "add", email, "--tenant", "default", "--password-stdin", data_dir=gateway.data_dir, stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    return Person(email, PASSWORD)


def token_of(gateway: RunningGateway, person: Person) -> str:
    """Return an access token with every scope, as a script gets it."""
    done = ascend("token", "mint", "--tenant", "default", "--user", person.email, data_dir=gateway.data_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def connect(person: Person, link: str, owner_id: str = "own_1", decision: str = "allow") -> str:
    """Open `link` as `person`: sign in, continue, answer the CRM; return the page at the end."""
    async with httpx2.AsyncClient(timeout=20) as browser:
        return await replace(person, owner_id=owner_id, decision=decision).walk(browser, link)
