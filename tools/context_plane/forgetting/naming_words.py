"""By which words a text names somebody, and how these are blacked out in it."""

import re
import unicodedata
from collections.abc import Collection, Iterator

from tools.context_plane.identity.names import normal_name, normal_words

#: shorter names stand in half of all texts: these are found by the claims about them alone
LEAST_CHARS = 3
BLACK = "█"
#: letters that one word of a name may be written with: all but what separates words, apostrophes and dots within included
_RUN = re.compile(r"\S+")


class Words:
    """Names as whole words, however written; addresses and numbers to the letter."""

    def __init__(self, names: Collection[str], keys: Collection[str]) -> None:
        self._names = {normal for name in names if len(normal := normal_name(name)) >= LEAST_CHARS}
        self._keys = {key.casefold() for key in keys if len(key) >= LEAST_CHARS}
        #: what a store looks for first
        self.phrases = sorted(self._names | self._keys | {name for name in names if normal_name(name) in self._names})

    def name_it(self, text: str) -> bool:
        if not text or not self.phrases:
            return False
        words, folded = f" {' '.join(normal_words(text))} ", text.casefold()
        return any(f" {name} " in words for name in self._names) or any(key in folded for key in self._keys)

    def blacked_out(self, text: str) -> str:
        """Return `text` with each of these words blacked out, every other letter where it was; '' where that cannot be done."""
        if not self.name_it(text):
            return text
        places = [match.span() for key in self._keys for match in re.finditer(re.escape(key), text, re.IGNORECASE)]
        words = list(_words_in(text))
        for name in self._names:
            wanted = name.split()
            for at in range(len(words) - len(wanted) + 1):
                if [word for word, _, _ in words[at : at + len(wanted)]] == wanted:
                    places.append((words[at][1], words[at + len(wanted) - 1][2]))
        letters = list(text)
        for start, end in places:
            letters[start:end] = BLACK * (end - start)
        black = "".join(letters)
        return "" if self.name_it(black) else black


def _words_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word as names are compared, with where it stands; of what is written in one, the parts between signs."""
    for run in _RUN.finditer(text):
        start = run.start()
        for at, sign in enumerate(f"{run.group()} ", run.start()):
            if unicodedata.category(sign)[0] in "PSZC":
                if at > start:
                    yield " ".join(normal_words(text[start:at])), start, at
                start = at + 1
