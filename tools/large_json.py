"""An answer that stays text: its values would be too many objects."""


class LargeJson:
    """An answer of so many values that they never become objects in this process: its JSON text, in UTF-8.

    tools/heavy_json/worker.py has somebody else read it; whatever encodes it takes the text as it is.
    No dataclass: orjson would take it apart.
    """

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LargeJson) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"LargeJson({len(self.text)} bytes)"
