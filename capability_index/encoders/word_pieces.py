"""Text -> token ids, by byte-pair merges that lie in two sorted arrays: a megabyte where a general tokenizer holds twelve."""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

_BLANK = "\u2581"
#: ids 0-2 stand for themselves where the text spells them; bytes of unknown characters follow
_SPECIAL = {"<unk>": 0, "<s>": 1, "</s>": 2}
_SPELLED = re.compile("(<unk>|<s>|</s>)")
_FIRST_BYTE = 3

Pairs = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class WordPieces:
    """`keys` are pairs of ids, left << 16 | right, ascending; `merged` at the same places their rank << 16 | the id of both as one."""

    id_by_character: Mapping[str, int]
    keys: Pairs
    merged: Pairs
    # Plain views: one item of an array costs three times as much as one of a memoryview.
    _keys: Sequence[int] = field(init=False, repr=False)
    _merged: Sequence[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", self.keys.data)
        object.__setattr__(self, "_merged", self.merged.data)

    def split(self, text: str) -> tuple[int, ...]:
        """Return the ids of `text`, which stands at the beginning of a word."""
        found: list[int] = []
        for part in _SPELLED.split(text) if "<" in text else (text,):
            if part in _SPECIAL:
                found.append(_SPECIAL[part])
            elif part:
                found += self._joined(self._characters(_BLANK + part.replace(" ", _BLANK)))
        return tuple(found)

    def whole_words(self) -> dict[str, int]:
        """Return the words that are one token each, and that token: three letters of English and more, lower case."""
        text_by_id = {each: character for character, each in self.id_by_character.items()}
        # A merge joins what earlier ones made, so its rank comes after theirs.
        for at in np.argsort(self.merged >> 16, kind="stable").tolist():
            key, whole = int(self.keys[at]), int(self.merged[at]) & 0xFFFF
            left, right = text_by_id.get(key >> 16), text_by_id.get(key & 0xFFFF)
            if left is not None and right is not None:
                text_by_id[whole] = left + right
        words = {text[1:]: each for each, text in text_by_id.items() if text.startswith(_BLANK)}
        return {word: words[word] for word in sorted(words) if len(word) > 2 and word.isascii() and word.isalpha() and word.islower()}

    def _characters(self, text: str) -> list[int]:
        ids: list[int] = []
        for character in text:
            known = self.id_by_character.get(character)
            if known is not None:
                ids.append(known)
            else:
                ids.extend(_FIRST_BYTE + byte for byte in character.encode())
        return ids

    def _joined(self, ids: list[int]) -> list[int]:
        """Join the neighbours with the lowest rank, the leftmost first, until none can be joined."""
        count = len(ids)
        after, before = list(range(1, count + 1)), list(range(-1, count - 1))
        keys, merged_by_place, known = self._keys, self._merged, len(self._keys)
        #: (rank << 16 | new id, place, place of the right one, key)
        waiting: list[tuple[int, int, int, int]] = []
        for left in range(count - 1):
            key = ids[left] << 16 | ids[left + 1]
            at = bisect_left(keys, key)
            if at < known and keys[at] == key:
                waiting.append((merged_by_place[at], left, left + 1, key))
        heapify(waiting)
        while waiting:
            merged, left, right, key = heappop(waiting)
            # Either side may have become part of another piece meanwhile.
            if after[left] != right or ids[left] << 16 | ids[right] != key:
                continue
            ids[left], ids[right] = merged & 0xFFFF, -1
            after[left] = beyond = after[right]
            after[right] = -1
            if beyond < count:
                before[beyond] = left
            for one, other in ((before[left], left), (left, beyond)):
                if one >= 0 and other < count:
                    key = ids[one] << 16 | ids[other]
                    at = bisect_left(keys, key)
                    if at < known and keys[at] == key:
                        heappush(waiting, (merged_by_place[at], one, other, key))
        return [each for each in ids if each >= 0]
