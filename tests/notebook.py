"""A runner as its user sees it: cells go in, what they showed comes out."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.logbook import Logbook, carriers
from wherry_runner import frames as f
from wherry_supervisor import Launcher, LocalLauncher, Outcome, Runner


@dataclass(frozen=True)
class Ran:
    """A cell that has ended."""

    id: str
    outcome: Outcome
    log: Logbook

    @property
    def status(self) -> str:
        return self.outcome.status.value

    @property
    def out(self) -> str:
        return self.log.stdout(self.id)

    @property
    def err(self) -> str:
        return self.log.stderr(self.id)

    @property
    def story(self) -> list[tuple[str, str]]:
        return self.log.story(self.id)

    @property
    def result(self) -> str | None:
        """The text of the last expression's value."""
        found = [frame.data["text/plain"] for frame in self.log.of(f.Result, self.id)]
        return found[-1] if found else None

    @property
    def ename(self) -> str:
        return self.outcome.error.ename if self.outcome.error else ""

    @property
    def traceback(self) -> str:
        return "\n".join(self.outcome.error.traceback) if self.outcome.error else ""


class Notebook:
    """Runs cells in one runner and remembers what they showed."""

    def __init__(self, runner: Runner, log: Logbook) -> None:
        self.runner = runner
        self.log = log
        self._ids = (f"cell{n}" for n in itertools.count(1))

    @property
    def host(self) -> str:
        assert self.runner.ready is not None
        return self.runner.ready.host

    async def run(self, code: str, **options: Any) -> Ran:
        """Run a cell to its end; its code may be indented as a whole."""
        return await self.begin(code, **options)

    def begin(self, code: str, **options: Any) -> asyncio.Task[Ran]:
        """Start a cell; the task's name is its id, its result is how it ended."""
        id = next(self._ids)

        async def execute() -> Ran:
            source = textwrap.dedent(code).strip("\n")
            return Ran(id, await self.runner.execute(source, id=id, **options), self.log)

        return asyncio.get_running_loop().create_task(execute(), name=id)

    async def begun(self, code: str, **options: Any) -> asyncio.Task[Ran]:
        """Start a cell and wait until it runs."""
        task = self.begin(code, **options)
        await self.log.until(lambda log: log.of(f.Started, task.get_name()))
        return task


@contextlib.asynccontextmanager
async def opened(launcher: Launcher | None = None, **options: Any) -> AsyncIterator[Notebook]:
    """Start a runner, and see that nothing of it is left when it is closed."""
    log = Logbook()
    options.setdefault("spare", False)
    runner = Runner(launcher or LocalLauncher(), on_frame=log, **options)
    await runner.start()
    assert runner._link is not None
    assert runner._link._launched is not None
    cookie = runner._link._launched.nonce
    try:
        yield Notebook(runner, log)
    finally:
        await runner.close()
    assert carriers(cookie) == []
