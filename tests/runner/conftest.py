"""Real runners for the tests of what runs in them; one guardian for each module and shell."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.notebook import Notebook, opened


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["ipython", "plain"])
async def runner_with(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Notebook]:
    home = tmp_path_factory.mktemp("ipython")
    async with opened(host=request.param, env={"IPYTHONDIR": str(home)}) as notebook:
        yield notebook


@pytest_asyncio.fixture(loop_scope="module")
async def notebook(runner_with: Notebook) -> Notebook:
    """A fresh worker of the module's guardian."""
    await runner_with.runner.restart()
    runner_with.log.frames.clear()
    return runner_with
