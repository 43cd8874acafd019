"""Magics that belong to a kernel rather than to IPython: those of ipykernel, and ``%restart``."""

# IPython ships annotations for a part of its functions only.
# mypy: disable-error-code="no-untyped-call, misc, unused-ignore, untyped-decorator"

from __future__ import annotations

import os
import sys

from IPython.core import page
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


@magics_class
class KernelMagics(Magics):
    """Made once for a shell; `connection_file` is the kernel's, where it is known."""

    shell: Any

    def __init__(self, shell: Any, connection_file: Optional[str]) -> None:
        super().__init__(shell)
        self._connection_file = connection_file

    def _payload(self, source: str, **members: Any) -> None:
        self.shell.payload_manager.write_payload({"source": source, **members})

    @line_magic
    def restart(self, line: str) -> None:
        """Start anew with an empty namespace, in a new process, when this cell has ended.

        The kernel and its clients stay connected. Cells that wait run in the new process.
        """
        if line.strip():
            raise UsageError("%restart takes no arguments")
        self._payload("restart_runner")

    @line_magic
    def edit(self, line: str = "", last_call: Optional[List[str]] = None) -> None:
        """Have the client open a file, or where something was defined; see IPython's ``%edit``.

        The client's editor does not report back, so the code is not run when it is closed.
        """
        from IPython.core.magics.code import CodeMagics, MacroToEdit

        options, words = self.parse_options(line, "prn:")
        try:
            find = CodeMagics._find_edit_target  # noqa: SLF001 - ipykernel's way
            target = find(self.shell, words, options, last_call or ["", ""])
        except MacroToEdit:
            raise UsageError("macros cannot be edited from a kernel") from None
        name, number = target[:2]
        if name is not None:
            self._payload("edit_magic", filename=os.path.realpath(name), line_number=number)

    @line_magic
    def clear(self, _line: str) -> None:
        """Clear the terminal, where the client is one."""
        sys.stdout.write("\033[H\033[2J")

    @line_magic
    def less(self, line: str) -> None:
        """Show a file through the client's pager; Python is highlighted."""
        self._show(line)

    @line_magic
    def more(self, line: str) -> None:
        """Show a file through the client's pager; Python is highlighted."""
        self._show(line)

    def _show(self, name: str) -> None:
        if not name:
            raise UsageError("found no file name, expected one, such as: %less notes.txt")
        try:
            with open(name, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError as error:
            raise UsageError(f"cannot read {name}: {error.strerror}") from None
        page.page(self.shell.pycolorize(text) if name.endswith(".py") else text)

    @line_magic
    def man(self, line: str) -> None:
        """Show a page of the manual through the client's pager."""
        page.page(self.shell.getoutput(f"man {line} | col -b", split=False))

    @line_magic
    def connect_info(self, _line: str) -> None:
        """Print how to connect another client to this kernel. This includes the secret key."""
        path = self._connection_file or ""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            raise UsageError("the kernel's connection file is not on this machine") from None
        sys.stdout.write(
            f"{text.rstrip()}\n\n"
            "Paste the above JSON into a file, and connect with:\n"
            "    $> jupyter <app> --existing <file>\n"
            "or, if you are local, you can connect with just:\n"
            f"    $> jupyter <app> --existing {path}\n"
        )

    @line_magic
    def qtconsole(self, _line: str) -> None:
        """Say how to open a console for this kernel; windows are the client's business."""
        path = self._connection_file or "FILE"
        sys.stdout.write(f"Run this in a terminal: jupyter qtconsole --existing {path}\n")

    @line_magic
    def autosave(self, line: str) -> None:
        """Set the notebook's autosave interval in seconds, where the client is Notebook 6."""
        from IPython.display import Javascript, display

        try:
            interval = int(line)
        except ValueError:
            raise UsageError(f"%autosave requires an integer, got {line!r}") from None
        script = Javascript(f"IPython.notebook.set_autosave_interval({interval * 1000})")
        display(script, include=["application/javascript"])
        told = f"Autosaving every {interval} seconds" if interval else "Autosave disabled"
        sys.stdout.write(f"{told}\n")


def register(shell: Any, options: Dict[str, Any]) -> None:
    """Add these magics to a shell, over IPython's own of the same names."""
    shell.register_magics(KernelMagics(shell, options.get("connection_file")))
