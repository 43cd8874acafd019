"""What a runner said, in the order in which it said it; given to `Runner` as `on_frame`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from wherry_runner import frames as f

#: Frames that people see as output of a cell.
_SHOWN = {f.Stdout: "out", f.Stderr: "err", f.Display: "display", f.Result: "result"}

Kind = TypeVar("Kind", bound=f.Frame)


class Logbook:
    """Keeps frames; waits for them without polling."""

    def __init__(self) -> None:
        self.frames: list[f.Frame] = []
        self._arrived = asyncio.Event()

    def __call__(self, frame: f.Frame) -> None:
        self.frames.append(frame)
        self._arrived.set()

    def of(self, kind: type[Kind], id: str | None = None) -> list[Kind]:
        """Return the frames of one class, of one execution when it is named."""
        return [
            frame
            for frame in self.frames
            if isinstance(frame, kind) and id in (None, getattr(frame, "id", None))
        ]

    def stdout(self, id: str | None = None) -> str:
        return "".join(frame.text for frame in self.of(f.Stdout, id))

    def stderr(self, id: str | None = None) -> str:
        return "".join(frame.text for frame in self.of(f.Stderr, id))

    def story(self, id: str | None = None) -> list[tuple[str, str]]:
        """Return what a person saw, neighbours of one stream joined: [("out", "a"), ...]."""
        told: list[tuple[str, str]] = []
        for frame in self.frames:
            kind = _SHOWN.get(type(frame))
            if kind is None or id not in (None, frame.id):
                continue
            text = frame.text if kind in ("out", "err") else frame.data["text/plain"]
            if told and kind in ("out", "err") and told[-1][0] == kind:
                text = told.pop()[1] + text
            told.append((kind, text))
        return told

    async def until(self, holds: Callable[[Logbook], object], *, within: float = 5.0) -> None:
        """Wait until `holds(self)`; it is asked again after each frame."""

        async def watch() -> None:
            while not holds(self):
                self._arrived.clear()
                await self._arrived.wait()

        try:
            await asyncio.wait_for(watch(), within)
        except asyncio.TimeoutError:
            raise AssertionError(f"did not come within {within} s; came: {self.frames}") from None

    async def sees(self, text: str, *, within: float = 5.0) -> None:
        """Wait until `text` is in what was printed to either stream."""
        await self.until(lambda log: text in log.stdout() + log.stderr(), within=within)


def carriers(cookie: str) -> list[int]:
    """Return all live processes of one launch: its cookie is in their environment."""
    return [pid for pid in _pids() if f"WHERRY_RUNNER={cookie}".encode() in _environ(pid)]


def is_alive(pid: int) -> bool:
    """`pid` runs; one that is dead and not yet reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def cookie_of(pid: int) -> str:
    """Return the cookie that a process of ours carries."""
    variables = dict(item.split(b"=", 1) for item in _environ(pid).split(b"\0") if b"=" in item)
    return variables[b"WHERRY_RUNNER"].decode()


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environ(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""
