from __future__ import annotations

import pytest_asyncio

from tests.kernel.fake_runner import Harness


@pytest_asyncio.fixture
async def harness():
    """A kernel whose runner is ready."""
    made = Harness()
    await made.settle()
    yield made
    if not made.task.done():
        await made.close()
