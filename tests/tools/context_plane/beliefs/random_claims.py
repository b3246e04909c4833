"""Random claims about one subject and predicate, few enough values and days that they get in each other's way."""

import random

from hypothesis import strategies as st

from tools.context_plane.facts import METHODS, Claim

MAX_DAY = 12


def random_claims(chance: random.Random, most: int = 20) -> list[Claim]:
    """Return up to `most` claims, some of them withdrawn, some with an empty window."""
    return [_claim(number, chance) for number in range(1, 1 + chance.randint(0, most))]


def claims(most: int) -> st.SearchStrategy[list[Claim]]:
    """Draw them in such a way that Hypothesis finds a smallest example."""
    return st.randoms(use_true_random=False).map(lambda chance: random_claims(chance, most))


def _claim(number: int, chance: random.Random) -> Claim:
    def day() -> int | None:
        return None if chance.random() < 0.3 else chance.randint(0, MAX_DAY)

    return Claim(
        claim_id=number,
        episode_id=chance.randint(1, 4),
        audience="",
        subject_id=1,
        predicate="stage",
        object_id=None,
        value=chance.choice("abc"),
        valid_from_us=day(),
        valid_to_us=day(),
        confidence=chance.choice([0.25, 0.5, 1.0]),
        method=chance.choice(METHODS),
        occurred_at_us=chance.randint(0, 3),
        recorded_at_us=number,
        withdrawn_at_us=99 if chance.random() < 0.2 else None,
    )
