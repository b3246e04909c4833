"""Which scopes an answer grants, whatever a provider writes there (clients.md CL01, its kind)."""

from typing import Any

import pytest

from oauth.connections.upstream.granted_scopes import granted_scopes

ASKED = frozenset({"a.read", "b.read"})
DEFAULT = "https://graph.microsoft.com/.default"


def _shown(value: Any) -> str:
    """Return a name of a test that is the same in every process: a set has no order."""
    return repr(sorted(value)) if isinstance(value, set) else repr(value)


@pytest.mark.parametrize(
    "said", ["", " ", ",", " , ", [], [""], [" "], None, 7, True, {}, {"a.read": True}, [7], ["a.read", None]], ids=_shown
)
def test_an_answer_without_any_scope_says_nothing(said: Any) -> None:
    """RFC 6749 §3.3 knows no empty scope, and §5.1 has nothing said mean that what was asked for was granted."""
    assert granted_scopes(said, " ", ASKED) is None


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        ("a.read", {"a.read"}),
        ("a.read\tb.read\n", {"a.read", "b.read"}),
        ("a.read||b.read", {"a.read", "b.read"}),
        (["a.read", "", "b.read"], {"a.read", "b.read"}),
        ("A.READ", {"a.read"}),
        ("a.readb.read", {"a.readb.read"}),
        ("a", {"a"}),
        ("a.read.all", {"a.read.all"}),
        ("https://evil.test/x/other", {"https://evil.test/x/other"}),
    ],
    ids=_shown,
)
def test_a_scope_that_only_resembles_one_is_not_that_one(said: Any, granted: set[str]) -> None:
    assert granted_scopes(said, " ", ASKED) == frozenset(granted)


def test_a_scope_that_stands_for_all_is_met_by_any() -> None:
    """Entra ID answers `.default` with what it stood for; a failed answer still grants nothing."""
    said = "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read"
    assert granted_scopes(said, " ", frozenset({DEFAULT})) == frozenset({DEFAULT, *said.split()})
    assert granted_scopes("Mail.Read", " ", ASKED) == frozenset({"Mail.Read"})
