"""How much context may be kept for one tenant (decision 0022): all of it in one place."""

from dataclasses import dataclass

from tools.context_plane.errors import ContextRefused
from tools.quotas import MB


@dataclass(frozen=True, slots=True)
class Kept:
    """What a tenant has on record; facts count those that are retired too."""

    facts: int
    claims: int
    entities: int
    content_bytes: int


@dataclass(frozen=True, slots=True)
class KeptByPerson:
    """What one person has asserted that is still there."""

    claims: int
    content_bytes: int


@dataclass(frozen=True, slots=True)
class ContextQuotas:
    #: what was said, and what was ever believed because of it
    claims: int = 2_000_000
    facts: int = 4_000_000
    entities: int = 1_000_000
    content_bytes: int = 2_000 * MB
    #: of one person: nobody fills what is there for all
    person_claims: int = 1_000_000
    person_content_bytes: int = 1_000 * MB
    #: that one subject has of a predicate with one value, or that say the same: they are worked out together
    claims_together: int = 10_000

    def scaled(self, scale: float) -> "ContextQuotas":
        """Return `scale` times as much of it."""
        return ContextQuotas(
            claims=max(1, round(self.claims * scale)),
            facts=max(1, round(self.facts * scale)),
            entities=max(1, round(self.entities * scale)),
            content_bytes=max(1, round(self.content_bytes * scale)),
            person_claims=max(1, round(self.person_claims * scale)),
            person_content_bytes=max(1, round(self.person_content_bytes * scale)),
            claims_together=self.claims_together,
        )

    def check(self, kept: Kept) -> None:
        """Raise ContextRefused where a tenant has more than it may; asked within the transaction that makes it more."""
        for what, has, most in (
            ("claims", kept.claims, self.claims),
            ("facts", kept.facts, self.facts),
            ("entities", kept.entities, self.entities),
            ("bytes of episodes", kept.content_bytes, self.content_bytes),
        ):
            if has > most:
                raise ContextRefused(
                    "quota_exceeded",
                    f"the quota of {most:,} {what} of your whole tenant is used up; nothing was kept",
                    hint="context_forget what is not needed any more: a source, a document, an entity",
                )

    def check_person(self, kept: KeptByPerson) -> None:
        """Raise ContextRefused where one person has asserted more than they may, like `check`."""
        for what, has, most in (
            ("claims", kept.claims, self.person_claims),
            ("bytes of episodes", kept.content_bytes, self.person_content_bytes),
        ):
            if has > most:
                raise ContextRefused(
                    "quota_exceeded",
                    f"the quota of {most:,} {what} of one person is used up; nothing was kept",
                    hint="context_forget sources or episodes of yours that nobody needs any more; more is the operator's to give "
                    "(ASCEND_QUOTA_SCALE)",
                )

    def check_together(self, claims: int) -> None:
        """Raise ContextRefused where so many claims would be worked out with every further one that all tenants would wait for it."""
        if claims > self.claims_together:
            raise ContextRefused(
                "quota_exceeded",
                f"there are {self.claims_together:,} claims about one subject and predicate already; nothing was kept",
                hint="context_forget episodes that say the same again and again, or assert it under a subject of its own",
            )


CONTEXT = ContextQuotas()
