"""Whom an identity provider may bring along: people whose address at an admitted domain it vouches for (OpenID Connect Core §5.1).

An address that nobody verified is only what somebody typed into a form there, so it opens no door by its domain.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.identity_providers import EVERYBODY, UNVERIFIED, IdentityProvider
from oauth.sign_in.subjects import normalize_email

#: a directory of Entra ID, pinned by its id; the addresses that stand for every directory are never an issuer
_ENTRA = re.compile(
    r"https://(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net)/([0-9a-f-]{36})/(?:v2\.0)?"
)
#: in the `upn` of a guest; Entra ID writes it in either way, as the application asks (include_externally_authenticated_upn)
_GUEST = re.compile(r"#|_ext_@")


@dataclass(frozen=True, slots=True)
class Admission:
    """`email` is "" where there is none. `refused` is "" for whoever gets an account, else the reason for operators.

    `is_unvouched`: it would be another answer if the provider said that the address is verified.
    """

    email: str
    refused: str = ""
    is_unvouched: bool = False


def admission(provider: IdentityProvider, claims: Mapping[str, Any]) -> Admission:
    """Say whether somebody who is not linked yet gets an account."""
    email, is_verified = _email(claims.get("email")), _yes_or_no(claims.get("email_verified"))
    # The operator said so: whoever this provider signs in, whatever it says of an address.
    if EVERYBODY in provider.admitted_domains:
        return Admission(email)
    in_directory = is_entra(provider.issuer)
    # Core §5.1 (email_verified) is never sent by Entra ID; `email` there is any text (nOAuth).
    if is_verified is None and in_directory:
        email, is_verified = _vouched_by_directory(provider.issuer, claims, email)
    # The last `@`: a quoted local part may hold another (RFC 5321 §4.1.2).
    domain = email.rpartition("@")[2]
    if not email:
        return Admission("", "the provider gave no e-mail address; have it send the claim email")
    if domain not in provider.admitted_domains and f"{UNVERIFIED}{domain}" not in provider.admitted_domains:
        return Admission(email, f"the domain {domain[:100]} is not admitted")
    # Core §5.1: silence is not a yes; a plain no is never overruled by `unverified:`.
    if is_verified or (is_verified is None and f"{UNVERIFIED}{domain}" in provider.admitted_domains):
        return Admission(email)
    if is_verified is None:
        missing = "email_verified, xms_edov nor upn" if in_directory else "email_verified"
        way_out = "have it send one, or admit the domain with --admit-unverified if every address there is its owner's"
        return Admission(email, f"the provider does not say that the address is verified (no {missing}); {way_out}", is_unvouched=True)
    return Admission(email, "the provider says that the address is not verified", is_unvouched=True)


def is_entra(issuer: str) -> bool:
    """Say whether this is a directory of Entra ID, which never sends email_verified."""
    return _ENTRA.fullmatch(issuer) is not None


def _vouched_by_directory(issuer: str, claims: Mapping[str, Any], email: str) -> tuple[str, bool | None]:
    """Return the address that a directory of Entra ID vouches for; None with it where it vouches for none.

    `email` is whatever an administrator of any directory wrote there, unless xms_edov says that the owner of its domain was
    verified. `upn` of a member ends in a domain that this directory has proven to own. So does that of a guest, whose own address
    stands before it (`mallory_evil.test#EXT#@corp.test`, or with `_EXT_`): a guest is vouched for by nobody.
    """
    directory = _ENTRA.fullmatch(issuer)
    # The directory that signed is the one whose word counts: `tid` of another one is a guest's home.
    if directory is None or claims.get("tid") != directory[1]:
        return email, None
    if email and _yes_or_no(claims.get("xms_edov")):
        return email, True
    name = claims.get("upn")
    # A guest's home directory is anybody's, so its addresses are no proof (nOAuth).
    is_guest = "idp" in claims or claims.get("acct") not in (None, 0, "0")
    if not is_guest and (member := _email(name)) and not _GUEST.search(member):
        return member, True
    return email, None


def _yes_or_no(said: Any) -> bool | None:
    """Return what a claim says that should be a boolean; several providers write it as text, or as a number. None: nothing."""
    if said is None:
        return None
    # Core §5.1 says boolean; `"false"` is a true value to Python.
    return said is True or (isinstance(said, int | str) and str(said).strip().lower() in ("true", "1"))


def _email(said: Any) -> str:
    try:
        return normalize_email(said) if isinstance(said, str) else ""
    except InvalidInput:
        return ""
