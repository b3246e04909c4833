"""JMESPath as people write it, where that can mean one thing only."""

import re

#: what stands in quotes of any kind, or a name with dashes
_PARTS = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|[A-Za-z_]\w*(?:-+\w+)+""", re.ASCII)


def with_dashes_quoted(expression: str) -> str:
    """Return `expression` with names like `content-location` in double quotes, as JMESPath wants them.

    JMESPath has no minus: a dash after a name is an error in every expression, so nothing changes its meaning.
    """
    return _PARTS.sub(lambda part: part[0] if part[1] else f'"{part[0]}"', expression) if "-" in expression else expression
