"""What ``get_ipython()`` returns: the part of IPython's shell object that libraries ask for.

There is no module named IPython behind it: a library that imports one gets its ImportError and
takes its plain way.
"""

from __future__ import annotations

import sys

from wherry_runner.plain.events import CellInfo, CellResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional

    from wherry_runner.plain.events import Events
    from wherry_runner.plain.shell import Shell


#: Libraries that, once they see this shell, show through IPython.display and drop what they have to
#: show when it cannot be imported. For them there is no notebook, and so they print.
_ONLY_WITH_IPYTHON = frozenset(("rich",))


class Config(dict):  # type: ignore[type-arg]
    """A dictionary with attributes; asking for a missing one makes it, as with traitlets."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.setdefault(name, Config())

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class ZMQInteractiveShell:
    """The name of the class is what libraries look for to know that they are in a notebook."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self.config = Config(IPKernelApp=Config())
        #: Header of the message that asked for the running cell.
        self.parent_header: Dict[str, Any] = {}

    def get_parent(self) -> Dict[str, Any]:
        """Return the message that asked for the running cell, as far as it is known here."""
        return {"header": self.parent_header}

    @property
    def user_module(self) -> ModuleType:
        return self._shell.namespace.module

    @property
    def user_ns(self) -> Dict[str, Any]:
        return self._shell.namespace.names

    @property
    def user_global_ns(self) -> Dict[str, Any]:
        return self._shell.namespace.names

    @property
    def execution_count(self) -> int:
        return self._shell.count

    @property
    def events(self) -> Events:
        return self._shell.events

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run ``%magic_name line``; ``{name}`` and ``$name`` in `line` are replaced."""
        frame = sys._getframe(_stack_depth)  # noqa: SLF001 - the caller's local names count too
        return self._shell.magics.run_line(self._shell, magic_name, line, frame)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Run ``%%magic_name line`` over the text `cell`."""
        frame = sys._getframe(1)  # noqa: SLF001 - as above
        return self._shell.magics.run_cell(self._shell, magic_name, line, cell, frame)

    def magic(self, text: str) -> Any:
        """Run a line magic given as one text."""
        name, _, line = text.lstrip("%").partition(" ")
        return self.run_line_magic(name, line.strip(), _stack_depth=2)

    def find_line_magic(self, name: str) -> Optional[Callable[..., Any]]:
        return self._shell.magics.find(name, "line")

    def find_cell_magic(self, name: str) -> Optional[Callable[..., Any]]:
        return self._shell.magics.find(name, "cell")

    def register_magic_function(
        self,
        func: Callable[..., Any],
        magic_kind: str = "line",
        magic_name: Optional[str] = None,
    ) -> None:
        """Make `func` a magic: it gets the line, and for kind ``cell`` the cell's text."""
        self._shell.magics.register(func, magic_kind, magic_name or func.__name__)

    def system(self, cmd: str) -> None:
        """Run a command in the system's shell; its exit code goes to ``_exit_code``."""
        from wherry_runner.plain import system

        command = system.interpolate(cmd, sys._getframe(1))  # noqa: SLF001 - local names count too
        self.user_ns["_exit_code"] = system.run(command, self._shell.streams)

    def getoutput(self, cmd: str) -> List[str]:
        """Run a command and return the lines that it wrote, standard error included."""
        from wherry_runner.plain import system

        command = system.interpolate(cmd, sys._getframe(1))  # noqa: SLF001 - local names count too
        lines, self.user_ns["_exit_code"] = system.output_of(command)
        return lines

    def set_next_input(self, s: str, replace: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's
        """Put `s` into the next cell, or with `replace` into this one."""
        self._shell.ask_frontend("set_next_input", text=s, replace=replace)

    def run_cell(
        self,
        raw_cell: str,
        store_history: bool = False,  # noqa: FBT001, FBT002 - IPython's
        silent: bool = False,  # noqa: FBT001, FBT002 - IPython's
    ) -> CellResult:
        """Run code within the running cell; an exception is shown and kept in the result."""
        info = CellInfo(raw_cell, store_history=store_history, silent=silent)
        done = CellResult(info, self.execution_count)
        try:
            done.result = self._shell.run(raw_cell)
        except Exception as error:  # noqa: BLE001 - the user's; the result tells
            done.error_in_exec = error
            self._shell.report(error)
        else:
            if not silent:
                self._shell.show_value(done.result)
        return done

    def ev(self, expr: str) -> Any:
        """Evaluate an expression in the user's namespace."""
        return eval(expr, self.user_ns)  # noqa: S307 - this is a shell

    def ex(self, cmd: str) -> None:
        """Run statements in the user's namespace."""
        exec(cmd, self.user_ns)  # noqa: S102 - this is a shell

    def push(self, variables: Dict[str, Any]) -> None:
        """Define names in the user's namespace."""
        self.user_ns.update(variables)

    def showtraceback(self) -> None:
        """Write the traceback of the exception that is being handled to stderr."""
        error = sys.exc_info()[1]
        if error is not None:
            self._shell.report(error)


class GetIPython:
    """``get_ipython``: the shell, or None for libraries that would only lose their output."""

    def __init__(self, face: ZMQInteractiveShell) -> None:
        self._face = face

    def __call__(self) -> Optional[ZMQInteractiveShell]:
        caller = sys._getframe(1).f_globals.get("__name__")  # noqa: SLF001 - see above
        is_one = isinstance(caller, str) and caller.partition(".")[0] in _ONLY_WITH_IPYTHON
        return None if is_one else self._face

    def __repr__(self) -> str:
        return "<function get_ipython>"


class Leaver:
    """``exit`` and ``quit``: shown or called, they ask the front end to end the kernel."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def __call__(self, code: Any = None, *, keep_kernel: bool = False) -> None:
        del code  # the kernel is not a process with an exit code of the user's
        self._shell.ask_frontend("ask_exit", keepkernel=keep_kernel)

    def _ipython_display_(self) -> None:
        self()

    def __repr__(self) -> str:
        return "<exit: call it, or put it on a line of its own, to end the kernel>"
