"""The parts of the plain shell, and what magics and ``get_ipython()`` share."""

from __future__ import annotations

import builtins
import sys

from wherry_runner.plain.cells import Cells
from wherry_runner.plain.display import Publisher
from wherry_runner.plain.events import Events
from wherry_runner.plain.figures import Figures
from wherry_runner.plain.magics import Magics
from wherry_runner.plain.mime import Formatter
from wherry_runner.plain.namespace import Namespace
from wherry_runner.plain.streams import Streams
from wherry_runner.plain.tracebacks import Tracebacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from wherry_runner.host import CellWatcher, Session
    from wherry_runner.plain.cells import Program


class Shell:
    """One for the life of the worker. Makes itself known in `builtins` and as ``__main__``."""

    def __init__(self, session: Session) -> None:
        from wherry_runner.plain.surface import GetIPython, Leaver, ZMQInteractiveShell

        self.session = session
        self.streams = Streams()
        self.namespace = Namespace()
        self.cells = Cells()
        self.tracebacks = Tracebacks(self.cells)
        self.formatter = Formatter(self.report)
        self.publisher = Publisher(session, self.formatter)
        self.figures = Figures(self.publisher, self.report)
        self.formatter.printers.append(self.figures.bundle)
        self.events = Events(self.report)
        self.magics = Magics()
        #: What the front end is asked to do after the cell: page a text, exit, fill the next cell.
        self.payload: List[Dict[str, Any]] = []
        self.count = 1
        #: A debugger that has to know a cell's file name before the cell runs.
        self.cell_watcher: Optional[CellWatcher] = None
        self.face = ZMQInteractiveShell(self)
        leaver = Leaver(self)
        self._builtins = {
            "get_ipython": GetIPython(self.face),
            "display": self.publisher.display,
            "update_display": self.publisher.update_display,
            "clear_output": self.publisher.clear_output,
            "exit": leaver,
            "quit": leaver,
        }
        builtins.__dict__.update(self._builtins)
        # Libraries take this attribute as the sign of an interactive session.
        sys.ps1 = getattr(sys, "ps1", "In : ")
        sys.displayhook = self.show_value

    def begin(self, count: int) -> None:
        """Get ready for a cell, whatever the last one broke."""
        self.count = count
        self.payload = []
        self.namespace.repair()
        for name, value in self._builtins.items():
            builtins.__dict__.setdefault(name, value)

    def compile(self, code: str, cell: Optional[str] = None) -> Program:
        """Compile a cell as the user wrote it. Raises SyntaxError."""
        source = code
        if any(mark in code for mark in "%!?\r") or code[:1].isspace():
            from wherry_runner.plain.transform import transform

            source = transform(code)
        program = self.cells.compile(source, self.count, cell)
        if self.cell_watcher is not None:
            self.cell_watcher.cell_begins(code, source, self.cells.all()[-1][0])
        return program

    def run(self, code: str, names: Optional[Dict[str, Any]] = None) -> Any:
        """Run a piece of a cell for a magic and return the value of its last expression."""
        program = self.compile(code)
        if program.is_async:
            raise SyntaxError("a magic cannot await; put the 'await' into a cell of its own")
        return program.run(self.namespace.names if names is None else names)

    def show_value(self, value: Any) -> None:
        """Show the value of an expression as output and remember it. None is not shown."""
        if value is None:
            return
        self.namespace.keep_output(self.count, value)
        if self.formatter.show_itself(value):
            return
        data, metadata = self.formatter.bundle(value)
        if not data:
            return
        if self.publisher.captures:
            self.publisher.publish(data, metadata)
        else:
            self.session.result(self.count, data, metadata)

    def report(self, error: BaseException) -> None:
        """Write a traceback to stderr, for an error that does not end the cell."""
        self.streams.err("\n".join(self.tracebacks.format(error, error.__traceback__)) + "\n")

    def ask_frontend(self, source: str, **members: Any) -> None:
        """Add a payload; a later one of the same source replaces it."""
        self.payload = [item for item in self.payload if item["source"] != source]
        self.payload.append({"source": source, **members})

    def page(self, text: str) -> None:
        """Show `text` in the front end's pager."""
        self.ask_frontend("page", data={"text/plain": text}, start=0)
