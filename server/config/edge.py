"""Settings: the edge."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from server.config.setting import setting


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of the file, kept as the JSON that says the same; what they mean is checked by whoever reads them, at the start."""

    says: str = "tables in the file; as a variable a list in JSON"

    def read(self, text: str) -> object:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text

    def checked(self, value: object) -> object:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError("is no list of tables; write [[edge]] in ascend.toml, or a list of objects in JSON")
        try:
            return orjson.dumps(value).decode()
        except (TypeError, ValueError) as error:
            raise ValueError("has a value that is no text, number, list or table") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """Routes that a machine brings along."""

    title: ClassVar[str] = "The edge"

    edge: str = setting(
        "ASCEND_EDGE",
        Tables(),
        "",
        "routes to other servers; in the file: `[[edge]]`. Where the configuration (`ascend config apply`) has routes, those count instead",
        guide="edge.md",
    )

    @property
    def routes(self) -> Any:
        """Return them as a document, still unchecked."""
        return orjson.loads(self.edge) if self.edge else []
