"""Cell magics that show or catch what a cell says."""

from __future__ import annotations

import io
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional

    from wherry_runner.plain.display import Output, Publisher
    from wherry_runner.plain.magics import Call


class Captured:
    """What ``%%capture`` caught; calling it shows all of it."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._texts: List[Optional[io.StringIO]] = [None, None]
        self.outputs: List[Output] = []

    def catch(self, number: int) -> io.StringIO:
        """Return the file that takes the place of stdout (0) or stderr (1)."""
        self._texts[number] = file = io.StringIO()
        return file

    def _text(self, number: int) -> str:
        file = self._texts[number]
        return file.getvalue() if file is not None else ""

    @property
    def stdout(self) -> str:
        return self._text(0)

    @property
    def stderr(self) -> str:
        return self._text(1)

    def show(self) -> None:
        """Write and display everything again."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        for output in self.outputs:
            self._publisher.publish(output.data, output.metadata)

    __call__ = show

    def __str__(self) -> str:
        return self.stdout


def cell_capture(call: Call) -> None:
    """Run the cell and keep its output: ``%%capture [--no-stdout] [--no-stderr] [NAME]``."""
    options, name = call.options("", ("no-stdout", "no-stderr", "no-display"))
    shell = call.shell
    caught = Captured(shell.publisher)
    if name.strip():
        shell.namespace.names[name.strip()] = caught
    saved = sys.stdout, sys.stderr
    captures = shell.publisher.captures
    depth = len(captures)
    try:
        if "no-stdout" not in options:
            sys.stdout = caught.catch(0)
        if "no-stderr" not in options:
            sys.stderr = caught.catch(1)
        if "no-display" not in options:
            captures.append(caught.outputs)
        shell.show_value(shell.run(call.body))
        shell.figures.flush()
    finally:
        sys.stdout, sys.stderr = saved
        del captures[depth:]


def _shown_as(mime: str) -> Callable[[Call], None]:
    def cell_shown(call: Call) -> None:
        data: Any = {mime: call.cell, "text/plain": call.cell}
        call.shell.publisher.publish(data)

    cell_shown.__doc__ = f"Show the cell as {mime}."
    return cell_shown


cell_html = _shown_as("text/html")
cell_markdown = _shown_as("text/markdown")
cell_latex = _shown_as("text/latex")
cell_javascript = cell_js = _shown_as("application/javascript")
cell_svg = _shown_as("image/svg+xml")
