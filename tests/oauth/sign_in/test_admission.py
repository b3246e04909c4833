"""Whom a directory of Entra ID vouches for: it never sends email_verified (clients.md CL44)."""

from typing import Any

import pytest

from oauth.sign_in.admission import admission, is_entra
from oauth.sign_in.identity_providers import IdentityProvider

DIRECTORY = "8b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
ISSUER = f"https://login.microsoftonline.com/{DIRECTORY}/v2.0"
OTHER = "00000000-4f50-6172-8394-a5b6c7d8e9f0"


def admitted(claims: dict[str, Any], issuer: str = ISSUER, domains: tuple[str, ...] = ("corp.test",)) -> str:
    """Return the address that gets an account; "" where nobody does."""
    provider = IdentityProvider("default", "entra", "Entra", issuer, "ascend", admitted_domains=domains)
    found = admission(provider, {"sub": "1", "tid": DIRECTORY, **claims})
    return "" if found.refused else found.email


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "Grace@corp.test", "xms_edov": True}, "grace@corp.test"),
        ({"email": "grace@corp.test", "xms_edov": "1"}, "grace@corp.test"),
        ({"email": "grace@corp.test", "upn": "g.hopper@corp.test"}, "g.hopper@corp.test"),
        ({"upn": "grace@corp.test", "acct": 0}, "grace@corp.test"),
        ({"email": "elsewhere@mail.test", "upn": "grace@corp.test"}, "grace@corp.test"),
        ({"email": "grace@corp.test", "email_verified": True}, "grace@corp.test"),
    ],
    ids=str,
)
def test_a_member_of_the_directory_is_admitted(claims: dict[str, Any], email: str) -> None:
    """xms_edov: the owner of the domain was verified; upn: a domain that the directory has proven to own."""
    assert admitted(claims) == email


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "grace@corp.test"},
        {"email": "grace@corp.test", "preferred_username": "grace@corp.test"},
        {"email": "grace@corp.test", "xms_edov": False},
        {"email": "grace@corp.test", "xms_edov": "0"},
        {"email": "grace@corp.test", "xms_edov": True, "tid": OTHER},
        {"upn": "grace@corp.test", "tid": OTHER},
        {"upn": "grace@corp.test", "idp": f"https://sts.windows.net/{OTHER}/"},
        {"upn": "grace@corp.test", "acct": 1},
        {"upn": "grace_corp.test#EXT#@corp.test"},
        {"upn": "mallory_evil.test_EXT_@corp.test"},
        {"upn": "mallory_evil.test_ext_@corp.test"},
        {"upn": "mallory_evil.test＿EXT＿@corp.test"},
        {"upn": "mallory_evil.test＃EXT＃@corp.test"},
        {"upn": "grace@corp.test", "acct": "1"},
        {"upn": "grace@corp.test", "acct": True},
        {"upn": "grace@corp.test", "idp": None},
        {"upn": "grace@corp.test", "tid": [DIRECTORY]},
        {"upn": "grace@corp.test", "tid": DIRECTORY.upper()},
        {"email": "grace@corp.test", "xms_edov": [True]},
        {"email": "grace@corp.test", "xms_edov": "yes"},
        {"email": "grace@evil.test", "xms_edov": True},
        {"email": ["grace@corp.test"], "xms_edov": True},
        {"upn": "grace@corp.test@evil.test"},
        {"upn": "grace@corp.test.evil.test"},
        {"upn": "corp.test"},
        {"upn": "grace@evil.test"},
        {"email": "grace@corp.test", "email_verified": False, "xms_edov": True},
        {"upn": 7},
        {},
    ],
    ids=str,
)
def test_an_address_that_anybody_may_have_written_is_not(claims: dict[str, Any]) -> None:
    """The claim email is free text in a directory, and guests bring names of elsewhere."""
    assert admitted(claims) == ""


def test_what_a_directory_says_counts_for_a_directory_only() -> None:
    """Any other provider could send upn and xms_edov about anybody."""
    claims = {"email": "grace@corp.test", "upn": "grace@corp.test", "xms_edov": True}
    for issuer in (
        "https://id.corp.test",
        f"https://login.microsoftonline.com.evil.test/{DIRECTORY}/v2.0",
        "https://login.microsoftonline.com/common/v2.0",
    ):
        assert (admitted(claims, issuer), is_entra(issuer)) == ("", False)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({}, "no e-mail address"),
        ({"email": "grace@evil.test", "email_verified": True}, "the domain evil.test is not admitted"),
        ({"email": "grace@corp.test"}, "no email_verified, xms_edov nor upn"),
        ({"email": "grace@corp.test", "email_verified": "false"}, "says that the address is not verified"),
    ],
)
def test_a_refusal_names_what_is_missing(claims: dict[str, Any], said: str) -> None:
    """CL44: the operator reads it in log and audit."""
    provider = IdentityProvider("default", "entra", "Entra", ISSUER, "ascend", admitted_domains=("corp.test",))
    assert said in admission(provider, {"sub": "1", "tid": DIRECTORY, **claims}).refused
