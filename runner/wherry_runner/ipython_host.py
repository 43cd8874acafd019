"""IPython as the shell, where the interpreter has it: its magics, completion, reprs, tracebacks."""

# IPython ships annotations for a part of its functions only.
# mypy: disable-error-code="no-untyped-call, union-attr, override"

from __future__ import annotations

import linecache
import os
import sys
from importlib import import_module
from importlib.util import find_spec

import IPython
from IPython.core.error import StdinNotImplementedError

from wherry_runner import kernel_magics
from wherry_runner.comms import Comms
from wherry_runner.facade import Kernel
from wherry_runner.frames import CommClose, CommOpen
from wherry_runner.host import Host, Outcome
from wherry_runner.ipython_profile import Profile
from wherry_runner.ipython_shell import ZMQInteractiveShell, portable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Dict, List, Optional, Tuple

    from wherry_runner.frames import Execute
    from wherry_runner.host import Cell, CellWatcher, FromClient, Session

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
        return portable(data), metadata

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


def _signature(completion: Any) -> Dict[str, str]:
    return {"signature": completion.signature}
