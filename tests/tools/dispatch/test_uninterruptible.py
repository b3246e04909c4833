"""What has begun ends, although whoever asked for it goes away."""

import asyncio

import anyio

from tools.dispatch.uninterruptible import uninterruptible, until_between


async def test_a_section_that_has_begun_ends_before_its_task_is_cancelled() -> None:
    """tools/dispatch/uninterruptible.py: sections may stand in each other; the outermost counts."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def work() -> None:
        with uninterruptible():
            with uninterruptible():
                begun.set()
            await go_on.wait()
            seen.append("ended")
        await anyio.sleep_forever()

    async def abandon(task: asyncio.Task[None]) -> None:
        await until_between(task, look_again_s=0)
        seen.append("cancelled")
        task.cancel()

    task = asyncio.create_task(work())
    await begun.wait()
    abandoning = asyncio.create_task(abandon(task))
    await let_run(abandoning)
    assert not seen
    go_on.set()
    with anyio.fail_after(30):
        await asyncio.gather(task, abandoning, return_exceptions=True)
    assert seen == ["ended", "cancelled"]
    assert task.cancelled()


async def let_run(abandoning: asyncio.Task[None]) -> None:
    """Let the other task run a few times; it must not come to its end."""
    for _ in range(10):
        await asyncio.sleep(0)
        assert not abandoning.done()


async def test_a_scope_that_is_cancelled_does_not_reach_into_a_section() -> None:
    """Plans are cancelled by anyio's scopes, sections hold those off, too."""
    seen: list[str] = []
    with anyio.CancelScope() as scope:
        with uninterruptible():
            scope.cancel()
            await asyncio.sleep(0)
            seen.append("ended")
        await asyncio.sleep(0)
        seen.append("went on")
    assert seen == ["ended"]


async def test_a_task_in_no_section_may_be_cancelled_at_once() -> None:
    """Most calls never enter one."""
    task = asyncio.create_task(anyio.sleep_forever())
    with anyio.fail_after(30):
        await until_between(task)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
