"""What looks like a secret in free text, taken out before the text is kept or shown."""

import re

#: what a secret looks like in free text, beside what must stay readable
_SECRETS = (
    re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"),
    re.compile(
        r"(?i)\b(access_token|refresh_token|client_secret|code_verifier|id_token|assertion|password|api_?key|secret|code|token)"
        r"(=|\"?\s*:\s*\"?|'?\s*:\s*'?)[^\s&\"',;)}]+"
    ),
    re.compile(r"\basc_[a-z]+_[A-Za-z0-9_-]{16,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
)
_REPLACEMENTS = (r"\1 [redacted]", r"\1\2[redacted]", "[redacted]", "[redacted]", "[redacted]")


def redact(text: str) -> str:
    """Return `text` without bearer and basic credentials, secret-named values, JWTs and passwords in URLs."""
    for pattern, replacement in zip(_SECRETS, _REPLACEMENTS, strict=True):
        text = pattern.sub(replacement, text)
    return text
