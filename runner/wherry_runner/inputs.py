"""input() and getpass() over frames.

fd 0 is empty for everybody, so a child process that reads it sees end of file. Only these two ask
the person, and only while the client of the running execution says that it answers.
"""

from __future__ import annotations

import builtins
import os
import threading

from wherry_runner import attribution
from wherry_runner.frames import InputRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Type

    from wherry_runner.channel import Channel

#: The words of ipykernel; nbclient and others look for them.
_REFUSED = "{} was called, but this frontend does not support input requests."

#: What clients send for Ctrl-D.
_END_OF_TRANSMISSION = "\x04"

#: Executions whose threads may still ask.
_REMEMBERED = 1000


class _Answer:
    """One open question; a lock serves as a wait that signals can interrupt."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.value: Optional[str] = None


class Inputs:
    """Open questions by their request id. `deliver` is called by the service thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._open: Dict[str, _Answer] = {}
        self._pid = os.getpid()
        #: The latest execution of the main thread, and which executions' clients answer.
        self._latest = ""
        self._allowed: Dict[str, bool] = {}
        #: What is raised when the client does not answer.
        self.refusal: Type[Exception] = RuntimeError

    def install(self) -> None:
        """Replace the builtin and, when it is imported, getpass."""
        import getpass

        builtins.input = self._input
        getpass.getpass = self._getpass

    def allow(self, execution: str, *, allowed: bool) -> None:
        """An execution begins; say whether its client answers. Threads may outlive it."""
        self._latest = execution
        self._allowed[execution] = allowed
        if len(self._allowed) > _REMEMBERED:
            del self._allowed[next(iter(self._allowed))]

    def ask(self, prompt: str, *, password: bool) -> str:
        """Send the question and wait; only the answer to this very question counts."""
        if os.getpid() != self._pid:
            raise EOFError("a forked process cannot ask the person at the notebook")
        execution = attribution.current() or self._latest
        if not self._allowed.get(execution, False):
            raise self.refusal(_REFUSED.format("getpass" if password else "raw_input"))
        request = os.urandom(8).hex()
        answer = self._open[request] = _Answer()
        frame = InputRequest(id=execution, request=request, prompt=prompt, password=password)
        try:
            self._channel.send_fenced(frame)
            answer.lock.acquire()
        finally:
            self._open.pop(request, None)
        if answer.value == _END_OF_TRANSMISSION:
            raise EOFError
        return answer.value or ""

    def deliver(self, request: str, value: str) -> None:
        """Answer an open question; a late or unknown answer is dropped."""
        answer = self._open.pop(request, None)
        if answer is not None:
            answer.value = value
            answer.lock.release()

    def _input(self, prompt: Any = "", /) -> str:
        return self.ask(str(prompt), password=False)

    def _getpass(self, prompt: str = "Password: ", stream: Any = None) -> str:
        del stream
        return self.ask(str(prompt), password=True)
