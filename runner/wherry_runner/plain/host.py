"""`PlainHost`: one execution from request to outcome."""

from __future__ import annotations

import sys

from wherry_runner.frames import CommClose, CommOpen
from wherry_runner.host import Host, Outcome
from wherry_runner.plain.events import CellInfo, CellResult
from wherry_runner.plain.magics import UsageError
from wherry_runner.plain.shell import Shell
from wherry_runner.plain.tracebacks import class_name, is_a, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Dict, List, Optional, Tuple, Type

    from wherry_runner.frames import Execute
    from wherry_runner.host import Cell, CellWatcher, FromClient, Session

_LEAVING = "To exit: use 'exit', 'quit', or Ctrl-D."


class PlainHost(Host):
    """The plain shell behind the worker's boundary."""

    name = "plain"

    def __init__(self, session: Session, options: Dict[str, Any]) -> None:
        del options  # there are none yet
        self._session = session
        self._shell = Shell(session)

    def needs_loop(self, code: str) -> bool:
        # A word that only looks like it costs one import of asyncio, nothing else.
        return "await" in code or "asyncio" in code or "async " in code

    async def execute(self, request: Execute) -> Outcome:
        shell = self._shell
        shell.begin(request.count)
        shell.face.parent_header = request.parent or {}
        silent = request.silent
        keeps = request.store_history and not silent
        if keeps:
            shell.namespace.keep_input(request.count, request.code)
        info = CellInfo(request.code, store_history=keeps, silent=silent)
        result = CellResult(info, request.count)
        failure = await self._attempt(request, result)
        failure = self._conclude(result, failure) or failure
        if failure is not None:
            return Outcome(status=self._tell(failure), payload=shell.payload)
        expressions = {} if silent else self._evaluate(request.user_expressions or {})
        return Outcome(user_expressions=expressions, payload=shell.payload)

    def comm(self, frame: FromClient, parent: Dict[str, Any]) -> None:
        """Comms need the `comm` package, which comes with IPython's widgets: nobody listens."""
        del parent
        if isinstance(frame, CommOpen):
            self._session.send_comm(CommClose, {"comm": frame.comm})

    async def _attempt(self, request: Execute, result: CellResult) -> Optional[BaseException]:
        """Compile, run and show; return what ended that early."""
        shell, session = self._shell, self._session
        try:
            program = shell.compile(request.code, request.cell)
            with session.user_code():
                shell.events.trigger("pre_execute")
                if not request.silent:
                    shell.events.trigger("pre_run_cell", result.info)
            if program.is_async:
                value = await session.drive(program.run_async(shell.namespace.names))
            else:
                with session.user_code():
                    value = program.run(shell.namespace.names)
            result.result = value
            if not request.silent and value is not None:
                self._show(value, keep=request.store_history)
        except BaseException as error:  # noqa: BLE001 - whatever user code does is an outcome
            result.error_in_exec = error
            return error
        return None

    def _show(self, value: Any, *, keep: bool) -> None:
        shell, session = self._shell, self._session
        if keep:
            shell.namespace.keep_output(shell.count, value)
        with session.user_code():
            if shell.formatter.show_itself(value):
                return
            data, metadata = shell.formatter.bundle(value)
        if data:
            session.result(shell.count, data, metadata)

    def _conclude(
        self, result: CellResult, failure: Optional[BaseException]
    ) -> Optional[BaseException]:
        """Show open figures and call the callbacks, after a failed cell too."""
        shell = self._shell
        if shell.cell_watcher is not None:
            shell.cell_watcher.cell_ended()
        try:
            with self._session.user_code():
                shell.figures.flush()
                shell.events.trigger("post_execute")
                if not result.info.silent:
                    shell.events.trigger("post_run_cell", result)
        except BaseException as error:  # noqa: BLE001 - an interrupt, or a callback's sys.exit()
            return failure or error
        return None

    def _evaluate(self, expressions: Dict[str, str]) -> Dict[str, Any]:
        answers: Dict[str, Any] = {}
        for name, expression in expressions.items():
            try:
                with self._session.user_code():
                    value = self._shell.face.ev(expression)
                    data, metadata = self._shell.formatter.bundle(value)
                answers[name] = {"status": "ok", "data": data, "metadata": metadata}
            except BaseException as error:  # noqa: BLE001 - one bad expression is one bad answer
                ename, evalue, lines = self._described(error)
                answers[name] = {
                    "status": "error",
                    "ename": ename,
                    "evalue": evalue,
                    "traceback": lines,
                }
        return answers

    def _tell(self, failure: BaseException) -> str:
        """Send the error and return the status that it gives."""
        ename, evalue, lines = self._described(failure)
        if is_a(failure, SystemExit):
            self._shell.streams.err(_LEAVING + "\n")
        self._session.error(ename, evalue, lines)
        return "interrupted" if is_a(failure, KeyboardInterrupt) else "error"

    def _described(self, error: BaseException) -> Tuple[str, str, List[str]]:
        """Return name, value and traceback. All of it asks the user's code, which may hang."""
        name = class_name(error)
        try:
            with self._session.user_code():
                _remember(error)
                evalue = message(error)
                return name, evalue, self._lines(error, evalue)
        except BaseException as another:  # noqa: BLE001 - an error must be told in any case
            words = f"{name}: no traceback, since making it failed with {class_name(another)}"
            return name, "", [words]

    def _lines(self, error: BaseException, evalue: str) -> List[str]:
        if is_a(error, UsageError):
            return [f"UsageError: {evalue}"]
        if is_a(error, SystemExit):
            head = "An exception has occurred, use %tb to see the full traceback.\n"
            return [head, f"SystemExit: {evalue}"]
        return self._shell.tracebacks.format(error, error.__traceback__)

    def complete(self, code: str, cursor: int) -> Tuple[List[str], int, int, Dict[str, Any]]:
        from wherry_runner.plain.completion import complete

        return complete(self._shell, code, cursor)

    def inspect(self, code: str, cursor: int, detail: int) -> Optional[Dict[str, Any]]:
        from wherry_runner.plain.inspection import inspect_at

        text = inspect_at(self._shell, code, cursor, detail)
        return None if text is None else {"text/plain": text}

    def namespace(self) -> Dict[str, Any]:
        return self._shell.namespace.names

    def rich(self, value: Any) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        return self._shell.formatter.bundle(value)

    def cells(self) -> List[Cell]:
        return [(source, source, filename) for filename, source in self._shell.cells.all()]

    def watch_cells(self, watcher: Optional[CellWatcher]) -> None:
        self._shell.cell_watcher = watcher

    def is_complete(self, code: str) -> Tuple[str, str]:
        from wherry_runner.plain.completeness import completeness

        return completeness(code)

    def traceback(
        self, etype: Type[BaseException], value: BaseException, tb: Optional[TracebackType]
    ) -> List[str]:
        del etype  # the value knows its own
        return self._shell.tracebacks.format(value, tb)

    def shutdown(self) -> None:
        """Nothing outlives the worker: history is the kernel's."""


def _remember(error: BaseException) -> None:
    """For ``%tb``, ``%debug`` and `pdb.pm`."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
