"""From the tables of a file to webhooks in force: what they refer to is looked up, and all that is missing is said at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from oauth.errors import SealBroken
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.subjects import Subject, normalize_email
from oauth.vault.named_secrets import NamedSecrets, named_in
from tools.near_names import near
from tools.workflows.stores import DEFAULT_SCOPES, ActsFor
from tools.workflows.webhooks.definition import HookTable
from tools.workflows.webhooks.errors import WebhookFault, WebhooksInvalid
from tools.workflows.webhooks.schemes.known import scheme_of
from tools.workflows.webhooks.stores import WebhookStore
from tools.workflows.webhooks.webhook import Webhook


class People(Protocol):
    async def of_tenant(self, tenant_id: str) -> Sequence[Subject]: ...


@dataclass(frozen=True, slots=True)
class WebhookChanges:
    store: WebhookStore
    secrets: NamedSecrets
    people: People

    async def apply(
        self, tenant_id: str, tables: Sequence[HookTable], workflows: Collection[str] | None = None, *, dry_run: bool = False
    ) -> list[Webhook]:
        """Put the tables in force, each in place of the one of its source. Raises WebhooksInvalid, WorkflowRefused: then none is.

        `workflows`: names that there are for the tenant; None: nobody knows here, and any is taken.
        """
        faults: list[WebhookFault] = []
        subjects = {each.email: each for each in await self.people.of_tenant(tenant_id) if not each.identity_provider}
        found: list[Webhook] = []
        for index, table in enumerate(tables):
            place = f"webhooks[{index}]"
            if workflows is not None and table.workflow not in workflows:
                meant = near(table.workflow, workflows, 1)
                hint = f"; did you mean {meant[0]!r}?" if meant else "; `ascend workflow list` shows all"
                faults.append(WebhookFault(f"{place}.to", f"there is no workflow {table.workflow!r}{hint}"))
            names = [name for secret in table.secrets if (name := named_in(secret)) is not None]
            faults += [
                WebhookFault(f"{place}.secrets[{at}]", why)
                for at, name in enumerate(names)
                if (why := await self._secret_fault(tenant_id, name, table)) is not None
            ]
            acts_for = None
            if table.acts_for is not None:
                subject = subjects.get(_normal(table.acts_for))
                if subject is None or subject.disabled:
                    why = "is nobody who can sign in to this tenant; `ascend user list` shows who can"
                    faults.append(WebhookFault(f"{place}.acts_for", why))
                else:
                    acts_for = ActsFor.within(subject.subject_id, table.scopes or DEFAULT_SCOPES)
            found.append(
                Webhook(
                    tenant_id=tenant_id,
                    source=table.source,
                    scheme=table.scheme,
                    secrets=tuple(names),
                    workflow=table.workflow,
                    acts_for=acts_for,
                    generic=table.generic,
                    body_kept_days=table.body_kept_days,
                )
            )
        if faults:
            raise WebhooksInvalid(faults)
        if not dry_run:
            await self.store.put(tenant_id, found)
        return found

    async def _secret_fault(self, tenant_id: str, name: str, table: HookTable) -> str | None:
        try:
            secret = await self.secrets.reveal(tenant_id, name, "webhooks", "checked when a webhook was applied")
        except SealBroken:
            return (
                f"the secret {name!r} does not open: it is damaged, or was sealed with another key; `ascend vault put {name}` replaces it"
            )
        if secret is None:
            return f"there is no secret {name!r} in the vault of {tenant_id!r}; put it there with `ascend vault put {name}`"
        try:
            scheme_of(table.scheme, table.generic).key_of(secret)
        except ValueError as error:
            return f"the secret {name!r} {error}"
        return None


def _normal(email: str) -> str:
    try:
        return normalize_email(email)
    except InvalidInput:
        return ""
