"""Operations in a piece of Python: `crm.contacts.search(…)` -> a function that the sandbox can be given."""

import io
import tokenize
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

CALL = "call"
_Tokens = Sequence[tokenize.TokenInfo]


@dataclass(frozen=True, slots=True)
class BoundCode:
    """Code whose operations have names without dots, in the same columns as before.

    `operation_by_function`: name in the code -> operation id. `named`: every operation that the code names, also in
    `call("id", …)`, known or not; what it puts together at run time is not among them.
    """

    text: str
    operation_by_function: Mapping[str, str]
    named: tuple[str, ...]


def bind_names(code: str, known: Container[str], providers: Iterable[str]) -> BoundCode:
    """Return `code` with its operations bound. It is only split into tokens: nothing of it is evaluated or parsed here."""
    tokens = _tokens(code)
    providers = frozenset(providers)
    own_names = _assigned(tokens)
    lines = code.splitlines(keepends=True)
    operation_by_function: dict[str, str] = {}
    named: dict[str, None] = {}
    for chain in reversed(_called_chains(tokens)):
        operation_id = ".".join(token.string for token in chain[::2])
        root = chain[0].string
        if root not in providers or (root in own_names and operation_id not in known):
            continue
        named[operation_id] = None
        function = operation_id.replace(".", "_")
        while operation_by_function.get(function, operation_id) != operation_id:
            function += "_"
        operation_by_function[function] = operation_id
        (row, start), (end_row, end) = chain[0].start, chain[-1].end
        if row == end_row:
            line = lines[row - 1]
            lines[row - 1] = f"{line[:start]}{function}{line[end:]}"
    named |= dict.fromkeys(_literal_calls(tokens))
    return BoundCode("".join(lines), operation_by_function, tuple(sorted(named)))


def _tokens(code: str) -> list[tokenize.TokenInfo]:
    """Return the tokens up to where the code stops being Python; the sandbox says what is wrong there."""
    tokens: list[tokenize.TokenInfo] = []
    skipped = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type not in skipped:
                tokens.append(token)
    except (tokenize.TokenError, SyntaxError):
        return tokens
    return tokens


def _called_chains(tokens: _Tokens) -> list[_Tokens]:
    """Return every `a.b.c` that is followed by an opening bracket, as its tokens, in order."""
    chains = []
    position = 0
    while position < len(tokens):
        end = position
        if tokens[position].type == tokenize.NAME and (position == 0 or tokens[position - 1].string != "."):
            while end + 2 < len(tokens) and tokens[end + 1].string == "." and tokens[end + 2].type == tokenize.NAME:
                end += 2
            if end > position and end + 1 < len(tokens) and tokens[end + 1].string == "(":
                chains.append(tokens[position : end + 1])
        position = end + 1
    return chains


def _assigned(tokens: _Tokens) -> frozenset[str]:
    """Return names that the code itself gives a value: they are its own, not providers."""
    names = set()
    for before, token, after in zip([None, *tokens[:-1]], tokens, [*tokens[1:], None], strict=False):
        if token.type != tokenize.NAME:
            continue
        is_target = after is not None and after.string in ("=", "in", ":=") and (before is None or before.string != ".")
        if is_target or (before is not None and before.string in ("as", "import", "def", "class", "for")):
            names.add(token.string)
    return frozenset(names)


def _literal_calls(tokens: _Tokens) -> list[str]:
    """Return the operation ids of `call("id", …)`."""
    found = []
    for name, bracket, text, after in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        is_alone = text.type == tokenize.STRING and text.string[0] in "\"'" and after.string in (",", ")")
        if name.string == CALL and bracket.string == "(" and is_alone:
            found.append(text.string.strip("\"'"))
    return found
