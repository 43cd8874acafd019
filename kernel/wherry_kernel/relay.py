"""Frames from the runner, on their way to clients."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from wherry_kernel.messages import translate
from wherry_runner import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry_kernel.comms import Comms
    from wherry_kernel.history import History
    from wherry_kernel.parents import Parents
    from wherry_kernel.prompts import Prompts
    from wherry_kernel.publisher import Publisher
    from wherry_kernel.subshells import Subshells

log = logging.getLogger("wherry.kernel")


class Relay:
    """Called once for each frame, in order; publishes it and keeps the books that depend on it."""

    def __init__(
        self,
        *,
        publisher: Publisher,
        parents: Parents,
        subshells: Subshells,
        history: History,
        prompts: Prompts,
        comms: Comms,
    ) -> None:
        self._publisher = publisher
        self._parents = parents
        self._subshells = subshells
        self._history = history
        self._prompts = prompts
        self._before: dict[type[frames.Frame], Callable[[Any], None]] = {
            frames.InputRequest: self._ask,
            frames.Error: subshells.show,
            frames.Result: self._remember,
            frames.CommOpen: comms.follow,
            frames.CommClose: comms.follow,
            frames.Handled: comms.follow,
        }

    def on_frame(self, frame: frames.Frame) -> None:
        """Never raises: the pipe's reader calls it, and one bad frame must not stop the next."""
        try:
            self._pass_on(frame)
        except Exception:
            log.exception("a frame of type %s could not be passed on", frame.type)

    def _pass_on(self, frame: frames.Frame) -> None:
        kind = type(frame)
        if kind is frames.Stdout or kind is frames.Stderr:
            self._publisher.text(kind.type, frame.text, self._parents[frame.id])  # type: ignore[attr-defined]
            return
        before = self._before.get(kind)
        if before is not None:
            before(frame)
        message = translate(frame)
        if message is not None:
            self._publisher.publish(message, self._parents[frame.id])  # type: ignore[attr-defined]

    def _ask(self, frame: frames.InputRequest) -> None:
        current = self._subshells.running(frame.id)
        if current is None:
            log.info("nobody can be asked: execution %s is over", frame.id)
            return
        self._prompts.ask(frame, current.request)

    def _remember(self, frame: frames.Result) -> None:
        text = (frame.data or {}).get("text/plain")
        if isinstance(text, str):
            self._history.record_output(frame.count, text)
