"""How many examples a property is tried with: a third on every change, all of them with `--hypothesis-profile=thorough`."""

from typing import Any

from hypothesis import settings

#: of the profile that tries each property with as many examples as its test says
ALL = 100


def examples(count: int, **more: Any) -> settings:
    """Return the settings of a property that `count` examples show well; `more` are those of `hypothesis.settings`."""
    return settings(max_examples=max(10, count * settings().max_examples // ALL), **more)
