"""A provider's refusal told in another dialect, with the words by which its clients recover."""

import re
from collections.abc import Mapping

from tools.ai_gateway.dialects.exchange import FaultKind, ProviderFault
from tools.ai_gateway.dialects.faults.classification import kind_of, status_inside
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm, error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText, read_error, read_refusal

#: no count of tokens has more digits
_NUMBER = re.compile(r"(?<![\d,])\d[\d,]{2,14}(?![\d,])")
#: other codes are a provider's own words, and no client of another knows them
_CODES: dict[FaultKind, str] = {"context": "context_length_exceeded", "quota": "insufficient_quota"}


def told(form: ErrorForm, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
    """Return what an answer of another status means, told in `form`. Never raises."""
    said = read_refusal(headers, body)
    if status < 400:
        said, status = ErrorText(f"the provider answered {status}, which is no answer", "upstream_failed"), 502
    return _fault(form, status, said)


def told_inside(form: ErrorForm, body: bytes) -> ProviderFault:
    """The same for a refusal that came under a status of success."""
    said = read_error(body)
    return _fault(form, status_inside(said), said)


def retold(form: ErrorForm, fault: ProviderFault) -> ProviderFault:
    """Return a fault that a stream of another dialect had, told in `form`."""
    shown = error_body(form, fault.status, words(form, fault.kind, read_error(fault.body)))
    return ProviderFault(fault.kind, fault.status, shown, message=fault.message)


def _fault(form: ErrorForm, status: int, said: ErrorText) -> ProviderFault:
    kind = kind_of(status, said)
    return ProviderFault(kind, status, error_body(form, status, words(form, kind, said)), message=said.short)


def words(form: ErrorForm, kind: FaultKind, said: ErrorText) -> ErrorText:
    """Return what a client of `form` understands."""
    if form == "anthropic" and kind == "context" and not said.message.startswith("prompt is too long"):
        # Claude Code makes its conversation shorter when it reads this sentence, and only then.
        numbers = sorted((int(each.replace(",", "")) for each in _NUMBER.findall(said.message)), reverse=True)[:2]
        counted = f": {numbers[0]} tokens > {numbers[1]} maximum" if len(numbers) == 2 else ""
        return ErrorText(f"prompt is too long{counted} ({said.short})")
    is_filter = "filter" in said.code.lower() or "policy" in said.code.lower()
    code = _CODES.get(kind, "content_filter" if is_filter else said.code)
    return ErrorText(said.message, code, said.type, said.param)
