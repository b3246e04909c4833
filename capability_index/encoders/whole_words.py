"""Text -> token ids by whole words, and for a word that is not known by its longest pieces from the left."""

from collections.abc import Mapping
from dataclasses import dataclass

from capability_index.words import surfaces

_MAX_PIECE_CHARS = 24
_MAX_WORD_CHARS = 48
_LEAST_RUN = 3


@dataclass(frozen=True, slots=True)
class WholeWords:
    """`ids` by token; `##x` continues a word. Numbers, and words of other scripts, have none."""

    ids: Mapping[str, int]

    def split(self, text: str) -> tuple[int, ...]:
        """Return the ids of the words of `text`."""
        return tuple(token for word in surfaces(text) for token in self._word(word))

    def whole_words(self) -> dict[str, int]:
        """Return the words that are one token each, and that token: three letters of English and more, lower case."""
        return {word: self.ids[word] for word in sorted(self.ids) if len(word) > 2 and word.isascii() and word.isalpha() and word.islower()}

    def _word(self, word: str) -> tuple[int, ...]:
        if word.isdigit() or not word.isascii():
            return ()
        if (known := self.ids.get(word)) is not None:
            return (known,)
        if not word.isalpha():
            runs = "".join(character if character.isalpha() else " " for character in word).split()
            return tuple(token for run in runs if len(run) >= _LEAST_RUN for token in self._word(run))
        if len(word) > _MAX_WORD_CHARS:
            return ()
        found: list[int] = []
        start = 0
        while start < len(word):
            end = min(len(word), start + _MAX_PIECE_CHARS)
            while end > start and (token := self.ids.get(word[start:end] if not start else f"##{word[start:end]}")) is None:
                end -= 1
            if end == start or token is None:
                return ()
            found.append(token)
            start = end
        return tuple(found)
