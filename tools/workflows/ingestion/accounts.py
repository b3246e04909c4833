"""What is read with accounts of which provider, once one is connected; loaded by pages and commands, so nothing else is here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Ingestion:
    """`name`: of the schedule and its workflow. `title`: of the provider. `what`: is read there, in words."""

    name: str
    provider: str
    title: str
    what: str
    every_minutes: int

    @property
    def said(self) -> str:
        """What operators are told."""
        return (
            f"{self.name} reads {self.title} ({self.what}) every {self.every_minutes} minutes into what everybody there can ask for; "
            f"`ascend schedule pause {self.name}` ends that"
        )


INGESTIONS: Final = (
    Ingestion("gong-ingest", "gong", "Gong", "calls, who took part and what was said", 15),
    Ingestion("salesforce-ingest", "salesforce", "Salesforce", "accounts, people, opportunities and what happened with them", 5),
)
#: by the name of the schedule
WITH_ACCOUNT: Final[Mapping[str, Ingestion]] = {each.name: each for each in INGESTIONS}
#: by the provider
AT_PROVIDER: Final[Mapping[str, Ingestion]] = {each.provider: each for each in INGESTIONS}
