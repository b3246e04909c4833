"""Who may use what: globs of a tenant and of a caller's key. A deny wins over everything."""

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache

from tools.ai_gateway.configuration.config import TenantRules
from tools.ai_gateway.model_request import ModelCaller


def refusing(caller: ModelCaller, rules: TenantRules, name: str, model: str = "") -> str:
    """Return whose rule keeps `caller` from a route or model, in words, or "".

    `model`: the same as `provider/id`, where a client named it without provider. A tenant's own route is allowed to it. What an
    allowed route leads to is not asked about here, but for `is_denied`: a route brings its targets.
    """
    said = model or name
    if is_denied(rules, name) or is_denied(rules, said):
        return f"tenant {caller.tenant_id}"
    if rules.allow is not None and name != rules.route and not _any(rules.allow).match(said):
        return f"tenant {caller.tenant_id}"
    if caller.allow is not None and not _any(caller.allow).match(said):
        return f"the key {caller.key_name!r}" if caller.key_name else "this caller"
    return ""


def is_denied(rules: TenantRules, name: str) -> bool:
    return bool(rules.deny) and _any(rules.deny).match(name) is not None


@lru_cache(maxsize=4_096)
def _any(globs: Sequence[str]) -> re.Pattern[str]:
    """Return one pattern for all globs; of none, one that nothing matches."""
    return re.compile("|".join(map(translate, globs)) or r"(?!)")
