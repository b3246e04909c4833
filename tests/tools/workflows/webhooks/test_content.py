"""The body of an event as a value: large ones are read beside everything else."""

import anyio
import anyio.lowlevel

from tools.workflows.webhooks.content import read_content

FORM = "application/x-www-form-urlencoded"


async def test_a_large_form_is_read_beside_other_work() -> None:
    """Undoing its escapes once held everybody up for a quarter of a second."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as group:
        group.start_soon(others)
        await anyio.lowlevel.checkpoint()
        before = turns
        assert await read_content(b"text=" + b"%41" * 300_000, FORM) == {"text": "A" * 300_000}
        assert turns > before
        group.cancel_scope.cancel()


async def test_a_small_form_is_its_fields() -> None:
    assert await read_content(b"a=1&b=%C3%BC&c=", FORM) == {"a": "1", "b": "\u00fc", "c": ""}
