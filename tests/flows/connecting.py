"""A person connects an account of the demo CRM: our pages and the CRM's consent, as plain HTTP."""

from urllib.parse import urljoin, urlsplit

import httpx2

from tests.flows.gateway_process import RunningGateway, ascend
from tests.flows.person import MAX_STEPS, FormReader, Person

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
        response = await browser.get(link)
        for _ in range(MAX_STEPS):
            if response.is_redirect:
                response = await browser.get(urljoin(str(response.url), response.headers["location"]))
                continue
            reader = FormReader()
            reader.feed(response.text)
            if not reader.forms or response.status_code != 200:
                return response.text
            (form,) = reader.forms
            fields = dict(form.fields)
            fields |= {"email": person.email, "password": person.password} if "password" in fields else {}
            fields |= {"decision": decision, "owner_id": owner_id} if form.decisions else {}
            target = urljoin(str(response.url), form.action)
            response = await browser.post(target, data=fields, headers={"origin": "{0.scheme}://{0.netloc}".format(urlsplit(target))})
    raise AssertionError(f"no end after {MAX_STEPS} steps: {response.text[:600]}")
