"""docs/guides/settings.md, written from the declarations: `python -m server.config.reference`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from server.config.load import DATA_DIR
from server.config.setting import Setting
from server.config.settings import SECTIONS, declared_in

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "settings.md"
_HEAD = """\
# Settings

From `ascend.toml` in the data directory, then the environment, then the command line: the later wins. In the file a setting is the
variable's name in lower case without `ASCEND_` (`log_format = "json"`), and several values are a list. All are read at the start. A wrong
one ends it, with a line for every fault; `ascend doctor` also names `ASCEND_…` variables that set nothing, and `ascend settings` shows
what holds. This page is written by `python -m server.config.reference`.
"""


def page() -> str:
    """Return the guide's page: a table a section."""
    return "\n".join([_HEAD, *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    yield from _table("The data directory", [DATA_DIR])
    for section in SECTIONS.values():
        yield ""
        yield from _table(section.title, declared_in(section).values())


def _table(title: str, declared: Iterable[Setting]) -> Iterator[str]:
    yield from (f"## {title}", "", "| variable | value | what it sets | when not set |", "|---|---|---|---|")
    for each in declared:
        option = f" (`{each.option}`)" if each.option else ""
        more = f" ([more]({each.guide}))" if each.guide else ""
        reloads = "; taken over while running" if each.is_reloadable else ""
        yield f"| `{each.variable}`{option} | {each.kind.says} | {each.says}{reloads}{more} | {each.when_unset} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
