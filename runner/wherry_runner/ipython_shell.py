"""IPython's shell, with output that goes through a `Session`.

The class is named `ZMQInteractiveShell` because libraries recognise a notebook by that name (rich,
plotly, pandas among them).
"""

# IPython ships annotations for a part of its functions only.
# mypy: disable-error-code="no-untyped-call, union-attr, override"

from __future__ import annotations

import base64
import os
from fnmatch import fnmatchcase

from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type, default

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Dict, List, Optional, Sequence

    from wherry_runner.host import Session

#: Variables that ipykernel sets too: colours for children on a pipe, and no pager that waits.
_ENVIRONMENT = {
    "TERM": "xterm-color",
    "CLICOLOR": "1",
    "FORCE_COLOR": "1",
    "CLICOLOR_FORCE": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}


class FramesDisplayHook(DisplayHook):  # type: ignore[misc,unused-ignore]
    """Sends the value of the last expression; IPython keeps ``_``, ``__`` and ``Out``."""

    #: A value is being shown now: a traceback in here is the execution's own failure.
    showing = False

    def __call__(self, result: object = None) -> None:
        self.showing = True
        try:
            super().__call__(result)
        finally:
            self.showing = False

    def write_output_prompt(self) -> None:
        """The prompt is drawn by the client."""

    def write_format_data(
        self, format_dict: Dict[str, Any], md_dict: Optional[Dict[str, Any]] = None
    ) -> None:
        self.shell.session.result(self.prompt_count, portable(format_dict), md_dict or {})

    def finish_displayhook(self) -> None:
        self._is_active = False


class FramesDisplayPublisher(DisplayPublisher):  # type: ignore[misc,unused-ignore]
    """Sends displays, updates and clear_output."""

    def publish(  # type: ignore[override, unused-ignore]
        self,
        data: Dict[str, Any],
        metadata: Optional[Dict[str, Any]] = None,
        *,
        transient: Optional[Dict[str, Any]] = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self.shell.session.display(portable(data), metadata, transient=transient, update=update)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        self.shell.session.clear(wait=wait)


class SessionHistory(HistoryManager):  # type: ignore[misc, unused-ignore]
    """What `%history` reads: the inputs of this process. Their keeper is the kernel process."""

    def get_tail(self, n: Any = 10, **options: Any) -> Any:
        """Return the last `n` inputs, without the one that asks."""
        options.pop("include_latest", None)
        stop = len(self.input_hist_raw) - 1
        return self.get_range(0, max(1, stop - n), stop, **options)

    def search(self, pattern: str = "*", *_: Any, **__: Any) -> Any:
        """Return the inputs that fit a shell pattern."""
        return [each for each in self.get_range(0, 1, None) if fnmatchcase(str(each[2]), pattern)]


class Exiter(ExitAutocall):  # type: ignore[misc, unused-ignore]
    """`exit` and `quit`, with and without parentheses."""

    def __call__(self, keep_kernel: bool = False) -> None:  # noqa: FBT001, FBT002 - as in ipykernel
        """End the kernel, or with `keep_kernel` only the client."""
        self._ip.keepkernel_on_exit = keep_kernel
        self._ip.ask_exit()


class ZMQInteractiveShell(InteractiveShell):  # type: ignore[misc,unused-ignore]
    """InteractiveShell whose output goes through a `Session`."""

    displayhook_class = Type(FramesDisplayHook)
    display_pub_class = Type(FramesDisplayPublisher)
    #: A `Kernel`; IPython's own code and libraries look for it.
    kernel: Any = None
    #: Set by `Exiter` for the exit that is being asked for.
    keepkernel_on_exit = False
    #: Tracebacks go here while there is no cell that could show them.
    problems: Optional[List[str]] = None
    readline_use = False
    autoindent = False

    def __init__(self, session: Session, **options: Any) -> None:
        self.session = session
        self.failed_display = False
        super().__init__(**options)

    def init_environment(self) -> None:
        os.environ.update(_ENVIRONMENT)

    def init_history(self) -> None:
        history: Any = SessionHistory(shell=self, parent=self)
        self.history_manager = history
        self.configurables.append(history)

    def init_hooks(self) -> None:
        super().init_hooks()
        from IPython.core import page

        self.set_hook("show_in_pager", page.as_hook(self._page), 99)

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> Any:
        """Run compiled user code: the only place where an interrupt may raise."""
        running = super().run_code(code_obj, result, async_=async_)
        return await self.session.drive(running)

    def get_parent(self) -> Dict[str, Any]:
        """Return the client message that the caller works for."""
        return self.session.get_parent()

    def set_parent(self, parent: Dict[str, Any]) -> None:
        """Send what the calling thread outputs from here on under `parent`."""
        self.session.set_parent(parent)

    def set_thread_parent(self, parent: Dict[str, Any]) -> Any:
        """Like `set_parent`; returns what `reset_thread_parent` takes."""
        return self.session.set_parent(parent)

    def reset_thread_parent(self, token: Any) -> None:
        """Undo `set_thread_parent`."""
        self.session.reset_parent(token)

    @property
    def parent_header(self) -> Dict[str, Any]:
        return self.get_parent()

    @default("exiter")
    def _make_exiter(self) -> Exiter:
        return Exiter(self)

    def ask_exit(self) -> None:
        """`exit` and `quit`: the client decides, and the kernel ends if it is not to be kept."""
        payload = {"source": "ask_exit", "keepkernel": self.keepkernel_on_exit}
        self.payload_manager.write_payload(payload)

    def set_next_input(self, s: str, replace: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        payload = {"source": "set_next_input", "text": s, "replace": replace}
        self.payload_manager.write_payload(payload)

    def enable_gui(self, gui: Optional[str] = None) -> None:
        """Only loops that need no display: asyncio already runs, inline needs none."""
        if gui not in (None, "", "inline", "agg", "asyncio"):
            from IPython.core.error import UsageError

            raise UsageError(f"GUI event loop {gui!r} is not available in this kernel")

    def _page(self, strg: Any, start: int = 0, *_: Any, **__: Any) -> None:
        data = strg if isinstance(strg, dict) else {"text/plain": strg}
        payload = {"source": "page", "data": data, "start": max(0, start)}
        self.payload_manager.write_payload(payload)

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        etype, value, tb = super()._get_exc_info(exc_tuple)
        _without_our_end(tb)
        return etype, value, tb

    def _showtraceback(
        self, etype: type[BaseException], evalue: BaseException, stb: Sequence[str]
    ) -> None:
        if self.problems is not None:
            self.problems.append("\n".join(stb))
            return
        self.failed_display |= getattr(self.displayhook, "showing", False)
        self.session.error(etype.__name__, _text(evalue), list(stb))


def portable(data: Dict[str, Any]) -> Dict[str, Any]:
    """Bytes of images and PDFs travel as base64 text, as in every Jupyter message."""
    if not any(isinstance(value, bytes) for value in data.values()):
        return data
    return {
        mime: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for mime, value in data.items()
    }


def _without_our_end(tb: Optional[TracebackType]) -> None:
    """Cut our signal handler off, and the debugger that it may have hit: user code was below."""
    before = None
    while tb is not None:
        after = tb.tb_next
        if after is not None and _is_ours(after) and not _is_ours(tb):
            tb.tb_next = None
            if before is not None and before.tb_frame is tb.tb_frame:
                before.tb_next = None  # a trace function's caller stands there twice
        before, tb = tb, after


def _is_ours(tb: TracebackType) -> bool:
    name = str(tb.tb_frame.f_globals.get("__name__"))
    return name.startswith(("wherry_runner.interrupts", "_pydevd_", "pydevd"))


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a user's __str__
        return "<exception str() failed>"
