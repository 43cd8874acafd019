"""Who is asked when user code waits for a line, and which answer counts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wherry_kernel.wire import stdin

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry_kernel.publisher import Publisher
    from wherry_kernel.wire.codec import Request
    from wherry_runner.frames import InputRequest

log = logging.getLogger("wherry.kernel")


class Prompts:
    """The open questions of executions. `answer` gives a line to the runner."""

    def __init__(self, publisher: Publisher, *, answer: Callable[[str, str], None]) -> None:
        self._publisher = publisher
        self._answer = answer
        self._open: tuple[InputRequest, Request, str] | None = None

    def ask(self, frame: InputRequest, request: Request) -> None:
        """Ask the client that sent `request`; a question that was open is closed by this."""
        content = stdin.asked(frame.prompt, password=frame.password)
        question = self._publisher.ask(request.identities, content, request.header_json)
        self._open = (frame, request, question)

    def reply(self, message: Request) -> None:
        """Take an ``input_reply``; one that answers nothing open is dropped.

        Its parent is our ``input_request``; jupyter_client's blocking client sends none at all,
        and some send the execution's header.
        """
        if self._open is None:
            log.info("an input_reply came when nothing was asked")
            return
        frame, request, question = self._open
        parent = message.parent.get("msg_id")
        if message.identities != request.identities or parent not in (None, question, request.id):
            log.info("an input_reply came that answers another question")
            return
        self._open = None
        self._answer(frame.request, stdin.read_answer(message.content))

    def forget(self) -> None:
        """The execution is over: what comes now answers nothing."""
        self._open = None
