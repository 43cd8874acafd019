"""IPython as the shell, where the interpreter has it: its magics, completion, reprs and tracebacks.

The class is named `ZMQInteractiveShell` because libraries recognise a notebook by that name (rich,
plotly, pandas among them).
"""

# IPython ships annotations for a part of its functions only.
# mypy: disable-error-code="no-untyped-call, union-attr, override"

from __future__ import annotations

import base64
import linecache
import os
import sys
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.util import find_spec

import IPython
from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type, default

from wherry_runner import kernel_magics
from wherry_runner.comms import Comms
from wherry_runner.facade import Kernel
from wherry_runner.frames import CommClose, CommOpen
from wherry_runner.host import Host, Outcome
from wherry_runner.ipython_profile import Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from wherry_runner.frames import Execute
    from wherry_runner.host import Cell, CellWatcher, FromClient, Session

#: Variables that ipykernel sets too: colours for children on a pipe, and no pager that waits.
_ENVIRONMENT = {
    "TERM": "xterm-color",
    "CLICOLOR": "1",
    "FORCE_COLOR": "1",
    "CLICOLOR_FORCE": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}

#: Imported by IPython when the shell is made or runs its first cell.
_LATE = (
    "asyncio",
    "getpass",
    "tempfile",
    "comm.base_comm",
    "IPython.core.application",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.core.page",
    "IPython.core.payload",
)


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
        self.shell.session.result(self.prompt_count, _portable(format_dict), md_dict or {})

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
        self.shell.session.display(_portable(data), metadata, transient=transient, update=update)

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


class IPythonHost(Host):
    """`Host` over one `ZMQInteractiveShell`."""

    name = "ipython"
    ipython = IPython.__version__
    stdin_refusal = StdinNotImplementedError

    def __init__(self, session: Session, options: Dict[str, Any]) -> None:
        self._session = session
        self._watcher: Optional[CellWatcher] = None
        _prefer_inline_figures()
        self._profile = Profile(options.get("profile"))
        config = self._profile.load()
        # The kernel process keeps the history, so that it survives us; no database here.
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        self._shell = ZMQInteractiveShell.instance(
            session=session, config=config, profile_dir=self._profile.folder
        )
        kernel_magics.register(self._shell, options)
        sys.modules["__main__"] = self._shell.user_module
        _use_interruptible_pdb()
        self._comms = Comms(session) if find_spec("comm") is not None else None
        manager = self._comms.manager if self._comms is not None else None
        self._shell.kernel = Kernel(self._shell, session, manager)

    def begin(self) -> None:
        shell = self._shell
        if self._profile.has_changed():
            config = self._profile.load()
            for each in (shell, *shell.configurables):
                each.update_config(config)
        self._profile.run_startup(shell)
        # tqdm, polars and others take this for "there is a notebook in front of me".
        shell.config.IPKernelApp.name = "wherry"

    def needs_loop(self, code: str) -> bool:
        """IPython imports asyncio itself, so there always is one."""
        del code
        return True

    async def execute(self, request: Execute) -> Outcome:
        shell = self._shell
        shell.execution_count = request.count
        shell.failed_display = False
        if self._profile.problems and not request.silent:
            sys.stderr.write("\n".join((*self._profile.problems, "")))
            self._profile.problems.clear()
        result = await self._run(request)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
        else:
            status = "error" if shell.failed_display else "ok"
        expressions: Dict[str, Any] = {}
        if status == "ok" and request.user_expressions:
            with self._session.user_code():
                expressions = shell.user_expressions(request.user_expressions)
        payload = shell.payload_manager.read_payload()
        shell.payload_manager.clear_payload()
        return Outcome(status=status, user_expressions=expressions, payload=payload)

    async def _run(self, request: Execute) -> Any:
        shell = self._shell
        code, preparation = request.code, None
        try:
            code = shell.transform_cell(request.code)
        except Exception:  # noqa: BLE001 - a transformer's error is shown as the cell's
            preparation = sys.exc_info()
        result = None
        try:
            result = await shell.run_cell_async(
                request.code,
                store_history=request.store_history,
                silent=request.silent,
                transformed_cell=code,
                preprocessing_exc_tuple=preparation,
                cell_id=request.cell,
            )
        finally:
            if self._watcher is not None:
                self._watcher.cell_ended()
            # figures of matplotlib are flushed here, before the execution is done
            shell.events.trigger("post_execute")
            if not request.silent:
                shell.events.trigger("post_run_cell", result)
        return result

    def comm(self, frame: FromClient, parent: Dict[str, Any]) -> None:
        if self._comms is not None:
            self._comms.handle(frame, parent)
        elif isinstance(frame, CommOpen):
            self._session.send_comm(CommClose, {"comm": frame.comm})

    def complete(self, code: str, cursor: int) -> Tuple[List[str], int, int, Dict[str, Any]]:
        from IPython.core.completer import provisionalcompleter, rectify_completions

        with provisionalcompleter():
            raw = self._shell.Completer.completions(code, cursor)
            found = list(rectify_completions(code, raw))
        types = [
            {"start": c.start, "end": c.end, "text": c.text, "type": c.type, **_signature(c)}
            for c in found
        ]
        start, end = (found[0].start, found[0].end) if found else (cursor, cursor)
        return [c.text for c in found], start, end, {"_jupyter_types_experimental": types}

    def inspect(self, code: str, cursor: int, detail: int) -> Optional[Dict[str, Any]]:
        from IPython.utils.tokenutil import token_at_cursor

        name = token_at_cursor(code, cursor)
        try:
            data: Dict[str, Any] = self._shell.object_inspect_mime(name, detail_level=detail)
        except KeyError:
            return None
        if not self._shell.enable_html_pager:
            data.pop("text/html", None)
        return data

    def namespace(self) -> Dict[str, Any]:
        return self._shell.user_ns  # type: ignore[no-any-return, unused-ignore]

    def rich(self, value: Any) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        data, metadata = self._shell.display_formatter.format(value)
        return _portable(data), metadata

    def cells(self) -> List[Cell]:
        inputs = self._shell.history_manager.input_hist_raw
        numbers: Dict[str, int] = self._shell.compile._filename_map  # noqa: SLF001
        found = []
        for filename, number in list(numbers.items()):
            if filename in linecache.cache and number < len(inputs):
                lines: Any = linecache.cache[filename]
                found.append((inputs[number], "".join(lines[2]), filename))
        return found

    def watch_cells(self, watcher: Optional[CellWatcher]) -> None:
        self._watcher = watcher
        compiler = self._shell.compile
        compiler.__dict__.pop("cache", None)
        if watcher is None:
            return
        tell, name_cell = watcher.cell_begins, compiler.cache

        def cache(code: str, number: int = 0, raw_code: Optional[str] = None, **more: Any) -> str:
            if raw_code is not None:
                more["raw_code"] = raw_code
            filename: str = name_cell(code, number, **more)
            tell(code if raw_code is None else raw_code, code, filename)
            return filename

        compiler.__dict__["cache"] = cache

    def is_complete(self, code: str) -> Tuple[str, str]:
        status, indent = self._shell.input_transformer_manager.check_complete(code)
        return status, " " * (indent or 0)

    def traceback(
        self, etype: type[BaseException], value: BaseException, tb: Optional[TracebackType]
    ) -> List[str]:
        return list(self._shell.InteractiveTB.structured_traceback(etype, value, tb))

    def warm_up(self) -> None:
        """The first traceback takes 60 ms, for imports and for a lexer that is made on demand."""
        try:
            raise KeyboardInterrupt  # noqa: TRY301 - a traceback needs one
        except KeyboardInterrupt as error:
            self.traceback(KeyboardInterrupt, error, error.__traceback__)

    def shutdown(self) -> None:
        """IPython's own exit handler is registered with atexit."""


def preload() -> None:
    """Import what IPython imports late, once in the guardian rather than in every worker."""
    for name in _LATE:
        try:
            import_module(name)
        except ImportError:
            continue  # another version of IPython


def _use_interruptible_pdb() -> None:
    """Python's own pdb takes an interrupt at its prompt for a reason to ask again, for ever."""
    import pdb  # noqa: T100 - to replace it

    from IPython.core import debugger

    debugger.Pdb = debugger.InterruptiblePdb  # type: ignore[misc, assignment, unused-ignore]
    pdb.Pdb = debugger.Pdb  # type: ignore[misc, assignment, unused-ignore]
    pdb.set_trace = debugger.set_trace


def _prefer_inline_figures() -> None:
    if find_spec("matplotlib_inline") is not None:
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")


def _portable(data: Dict[str, Any]) -> Dict[str, Any]:
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


def _signature(completion: Any) -> Dict[str, str]:
    return {"signature": completion.signature}


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a user's __str__
        return "<exception str() failed>"
