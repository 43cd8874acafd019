"""``%line`` and ``%%cell`` magics: which there are, and how one is found and called.

A built-in magic is the function ``line_<name>`` or ``cell_<name>`` of the module named here, which
is imported when the first magic of it is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from wherry_runner.plain.shell import Shell

    Magic = Callable[..., Any]

_BUILT_IN = {
    "line": {
        "magics_files": "cd pwd ls ll cat cp mv rm mkdir rmdir env set_env",
        "magics_kernel": "restart",
        "magics_names": "who who_ls whos reset history hist psearch pinfo pinfo2",
        "magics_python": "run tb xmode debug matplotlib config load_ext reload_ext lsmagic"
        " automagic",
        "magics_system": "pip conda sx system",
        "magics_timing": "time timeit",
    },
    "cell": {
        "magics_cells": "capture html markdown latex javascript js svg",
        "magics_files": "writefile file",
        "magics_system": "bash sh script python python3",
        "magics_timing": "time timeit",
    },
}

#: Their argument is Python, in which braces and dollars are what they are.
_VERBATIM = frozenset(("time", "timeit", "config", "pinfo", "pinfo2", "psearch"))


class UsageError(Exception):
    """A magic was used in a way that it does not know; told without a traceback."""


class Call:
    """One use of a magic: the text after its name, the cell's text, and where it was called."""

    def __init__(self, shell: Shell, line: str, cell: str, frame: FrameType) -> None:
        self.shell = shell
        self.line = line
        self.cell = cell
        self._frame = frame

    @property
    def names(self) -> Dict[str, Any]:
        """The user's names; within a function a copy of them with its local ones."""
        frame, names = self._frame, self.shell.namespace.names
        is_function = frame.f_locals is not frame.f_globals and frame.f_globals is names
        return {**names, **frame.f_locals} if is_function else names

    @property
    def body(self) -> str:
        """The cell's text after an empty line, so that tracebacks tell the whole cell's lines."""
        return "\n" + self.cell

    def options(self, short: str = "", long: Tuple[str, ...] = ()) -> Tuple[Dict[str, str], str]:
        """Split the line into its options and the rest, which stays as it was written.

        An option that takes a value is followed by a colon in `short`, by ``=`` in `long`.
        """
        return split_options(self.line, short, long)


class Magics:
    """Built-in magics and those that user code has registered, by kind and name."""

    def __init__(self) -> None:
        self._modules: Dict[str, Dict[str, str]] = {
            kind: {name: module for module, names in modules.items() for name in names.split()}
            for kind, modules in _BUILT_IN.items()
        }
        self._registered: Dict[str, Dict[str, Magic]] = {"line": {}, "cell": {}}

    def names(self, kind: str) -> List[str]:
        """Return all names of this kind, sorted."""
        return sorted({*self._modules[kind], *self._registered[kind]})

    def register(self, function: Magic, kind: str, name: str) -> None:
        """Add a magic of the user's; kind ``line_cell`` is both."""
        kinds = {"line": ("line",), "cell": ("cell",), "line_cell": ("line", "cell")}.get(kind)
        if kinds is None:
            raise ValueError(f"a magic is 'line', 'cell' or 'line_cell', not {kind!r}")
        for each in kinds:
            self._registered[each][name] = function

    def find(self, name: str, kind: str) -> Optional[Magic]:
        """Return the user's function or our own, None when there is no such magic."""
        own = self._registered[kind].get(name)
        if own is not None:
            return own
        module = self._modules[kind].get(name)
        if module is None:
            return None
        return getattr(_load(module), f"{kind}_{name}")  # type: ignore[no-any-return]

    def run_line(self, shell: Shell, name: str, line: str, frame: FrameType) -> Any:
        """Run ``%name line`` for code in `frame`."""
        magic = self._existing(name, "line")
        line = _expanded(name, line, frame)
        if name in self._registered["line"]:
            return magic(line)
        return magic(Call(shell, line, "", frame))

    def run_cell(self, shell: Shell, name: str, line: str, cell: str, frame: FrameType) -> Any:
        """Run ``%%name line`` over `cell` for code in `frame`."""
        magic = self._existing(name, "cell")
        line = _expanded(name, line, frame)
        if name in self._registered["cell"]:
            return magic(line, cell)
        return magic(Call(shell, line, cell, frame))

    def _existing(self, name: str, kind: str) -> Magic:
        magic = self.find(name, kind)
        if magic is None:
            raise UsageError(self._missing(name, kind))
        return magic

    def _missing(self, name: str, kind: str) -> str:
        if name.startswith("%"):
            return f"Cell magic `%{name}` has to be the first line of its cell."
        marks, other = ("%", "%%") if kind == "line" else ("%%", "%")
        words = f"{kind.capitalize()} magic function `{marks}{name}` not found."
        if self.find(name, "cell" if kind == "line" else "line") is not None:
            return f"{words} (There is `{other}{name}`: did you mean that?)"
        import difflib

        near = difflib.get_close_matches(name, self.names(kind), n=3, cutoff=0.7)
        return f"{words} Did you mean {_listed(marks, near)}?" if near else words


def split_options(line: str, short: str, long: Tuple[str, ...] = ()) -> Tuple[Dict[str, str], str]:
    """See `Call.options`. Raises UsageError for an option that is not there."""
    found: Dict[str, str] = {}
    rest = line.lstrip()
    while rest.startswith("-") and rest[1:2].strip():
        word, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        if word == "--":
            break
        if word.startswith("--"):
            rest = _long_option(word[2:], rest, long, found)
        else:
            rest = _short_options(word[1:], rest, short, found)
    return found, rest


def _long_option(word: str, rest: str, long: Tuple[str, ...], found: Dict[str, str]) -> str:
    name, is_given, value = word.partition("=")
    if name in long:
        found[name] = ""
        return rest
    if name + "=" not in long:
        raise UsageError(f"unknown option --{name}; there is {_listed('--', long) or 'none'}")
    if not is_given:
        value, _, rest = rest.partition(" ")
    found[name] = value
    return rest.lstrip()


def _short_options(word: str, rest: str, short: str, found: Dict[str, str]) -> str:
    while word:
        flag, word = word[0], word[1:]
        at = short.find(flag)
        if at < 0 or flag == ":":
            known = _listed("-", short.replace(":", "")) or "none"
            raise UsageError(f"unknown option -{flag}; there is {known}")
        if short[at + 1 : at + 2] != ":":
            found[flag] = ""
            continue
        if not word:
            word, _, rest = rest.partition(" ")
        found[flag], word = word, ""
    return rest.lstrip()


def _listed(marks: str, names: Any) -> str:
    return ", ".join(marks + name.rstrip("=") for name in names)


def _expanded(name: str, line: str, frame: FrameType) -> str:
    if name in _VERBATIM or not ("{" in line or "$" in line):
        return line
    from wherry_runner.plain.system import interpolate

    return interpolate(line, frame)


def _load(module: str) -> Any:
    from importlib import import_module

    return import_module(f"wherry_runner.plain.{module}")
