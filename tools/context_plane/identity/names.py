"""Names as they are compared: how somebody wrote it makes no difference, who it is does."""

import unicodedata

#: legal forms, at the end of a name alone: "Kahuna Inc." is Kahuna, "Inc. Magazine" stays
_FORMS = """
    ab ag aps as bv co company corp corporation gmbh inc incorporated kg kgaa kk limited llc llp lp ltd nv ohg oy plc pte pty
    sa sarl sas se spa srl ug
"""
LEGAL_FORMS = frozenset(_FORMS.split())
#: what an index takes; one letter may become eighteen
MAX_CHARS = 300


def normal_name(name: str) -> str:
    """Return `name` for comparing: NFKD, case folded, without accents, punctuation and legal forms.

    A name that is nothing but signs stays what it is, so that no two of these are one.
    """
    words = normal_words(name)
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return (" ".join(words) or " ".join(name.casefold().split()))[:MAX_CHARS]


def normal_words(text: str) -> list[str]:
    """Return the words of a text as names are compared."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    # Marks of other blocks are vowels or voicing, not accents.
    plain = "".join(" " if unicodedata.category(sign)[0] in "PSZC" else sign for sign in letters if not "\u0300" <= sign <= "\u036f")
    return _initials_joined(plain.split())


def similarity(one: str, other: str) -> float:
    """Return how alike two normal names are: shared trigrams in all of them (Jaccard), 0 to 1."""
    of_one, of_other = trigrams(one), trigrams(other)
    return len(of_one & of_other) / len(of_one | of_other)


def trigrams(name: str) -> frozenset[str]:
    padded = f"  {name} "
    return frozenset(padded[n : n + 3] for n in range(len(padded) - 2))


def _initials_joined(words: list[str]) -> list[str]:
    """Return words with runs of single letters as one, so that G.m.b.H. and S. A. are legal forms too."""
    joined: list[str] = []
    runs = False
    for word in words:
        is_initial = len(word) == 1 and word.isascii() and word.isalpha()
        if is_initial and runs:
            joined[-1] += word
        else:
            joined.append(word)
        runs = is_initial
    return joined
