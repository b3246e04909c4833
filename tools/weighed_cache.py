"""A cache that is bounded by what it holds, not by how many: a thousand entries of a caller's choosing may be gigabytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Text = TypeVar("Text", str, bytes)

#: of keys of others' choosing that `cached_if_short` remembers
MAX_KEY_LENGTH = 256
#: what an entry takes beside its value
ENTRY_BYTES = 200


class WeighedCache(Generic[Key, Value]):
    """At most `max_bytes` of values, by the weight that their giver says; the longest unused go first.

    A value above `max_value_bytes` is not kept: it would push out everything else.
    """

    def __init__(self, max_bytes: int, max_value_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._max_value_bytes = max_bytes // 8 if max_value_bytes is None else max_value_bytes
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self.total_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def items(self) -> Iterator[tuple[Key, Value]]:
        """Yield what is kept, which is not used by that; meanwhile entries may go."""
        return ((key, value) for key, (value, _weight) in list(self._kept.items()))

    def get(self, key: Key) -> Value | None:
        """Return what is kept under `key`, which is used by that, or None."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Value, weight_bytes: int) -> bool:
        """Keep `value` in place of what was there; False where it is too heavy to be kept."""
        self.pop(key)
        weight = weight_bytes + ENTRY_BYTES
        if weight > self._max_value_bytes:
            return False
        self._kept[key] = (value, weight)
        self.total_bytes += weight
        while self.total_bytes > self._max_bytes:
            self.drop_oldest()
        return True

    def replace(self, key: Key, value: Value) -> None:
        """Give an entry another value of the same weight; nothing happens where there is none."""
        if (found := self._kept.get(key)) is not None:
            self._kept[key] = (value, found[1])

    def pop(self, key: Key) -> Value | None:
        """Forget an entry and return it, or None."""
        found = self._kept.pop(key, None)
        if found is None:
            return None
        self.total_bytes -= found[1]
        return found[0]

    def drop_oldest(self) -> None:
        """Forget what was unused for longest."""
        self.total_bytes -= self._kept.popitem(last=False)[1][1]

    def clear(self) -> None:
        self._kept.clear()
        self.total_bytes = 0


def weight_of_json(text: bytes) -> int:
    """Return about how many bytes the objects take that `text` decodes to; rather too many than too few.

    `[[],[],…]` takes twenty times its text, one long string as much as its text. Counting brackets and separators costs a
    hundredth of walking over the objects.
    """
    # An object is a table, a list an array, and each member or element at most a number or a text with its head.
    parts = 232 * text.count(b"{") + 96 * text.count(b"[") + 88 * text.count(b":") + 72 * text.count(b",")
    # One character beyond Latin-1 makes the whole text that it stands in two or four times as wide.
    return 64 + parts + len(text) * (1 if text.isascii() else 4)


def cached_if_short(maxsize: int) -> Callable[[Callable[[Text], Value]], Callable[[Text], Value]]:
    """Remember what a function of one text gives, for short texts alone: a long one is somebody's, and not seen again."""

    def decorate(work: Callable[[Text], Value]) -> Callable[[Text], Value]:
        known = lru_cache(maxsize)(work)

        def looked_up(text: Text) -> Value:
            return known(text) if len(text) <= MAX_KEY_LENGTH else work(text)

        return looked_up

    return decorate
