"""Magics about running, errors, figures and the shell itself."""

from __future__ import annotations

import os
import shlex
import sys
from types import ModuleType

from wherry_runner.plain.magics import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from wherry_runner.plain.magics import Call


def line_run(call: Call) -> None:
    """Run a file or, with ``-m``, a module; its names become the user's.

    The program starts with names of its own, with ``-i`` with the user's. ``sys.exit()`` and
    ``sys.exit(0)`` end it like its last line.
    """
    options, line = call.options("im")
    words = shlex.split(line)
    if not words:
        raise UsageError("give a program: %run [-i] FILE [ARGUMENTS] or %run -m MODULE [ARGUMENTS]")
    saved = sys.argv
    sys.argv = words
    try:
        if "m" in options:
            _run_module(call, words[0])
        else:
            _run_file(call, words[0], shares="i" in options)
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    finally:
        sys.argv = saved


def _run_module(call: Call, name: str) -> None:
    import runpy

    made = runpy.run_module(name, run_name="__main__", alter_sys=True)
    _adopt(call, made)


def _run_file(call: Call, target: str, *, shares: bool) -> None:
    path = os.path.expanduser(target)
    if not os.path.exists(path) and os.path.exists(path + ".py"):
        path += ".py"
    source = _source(path)
    if path.endswith(".ipy"):
        from wherry_runner.plain.transform import transform

        source = transform(source)
    code = compile(source, path, "exec", dont_inherit=True)
    if shares:
        names = call.shell.namespace.names
        names["__file__"] = path
        try:
            exec(code, names)  # noqa: S102 - %run is for that
        finally:
            names.pop("__file__", None)
    else:
        _run_apart(call, code, path)


def _run_apart(call: Call, code: Any, path: str) -> None:
    """Run as ``python FILE`` does: as ``__main__``, with the file's folder first in the path."""
    module = ModuleType("__main__")
    module.__file__ = path
    saved, folder = sys.modules["__main__"], os.path.dirname(os.path.abspath(path))
    sys.modules["__main__"] = module
    sys.path.insert(0, folder)
    try:
        exec(code, module.__dict__)  # noqa: S102 - %run is for that
    finally:
        sys.modules["__main__"] = saved
        if folder in sys.path:
            sys.path.remove(folder)
        _adopt(call, module.__dict__)


def _adopt(call: Call, made: Dict[str, Any]) -> None:
    names = {name: value for name, value in made.items() if not name.startswith("__")}
    call.shell.namespace.names.update(names)


def _source(path: str) -> str:
    if path.endswith(".ipynb"):
        raise UsageError("%run takes Python files; notebooks need nbformat, which is not here")
    import tokenize

    try:
        with tokenize.open(path) as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {error.strerror}") from None


def line_tb(call: Call) -> None:
    """Show the last traceback again."""
    error = getattr(sys, "last_value", None)
    if error is None:
        call.shell.streams.out("There is no traceback yet.\n")
    else:
        call.shell.report(error)


def line_xmode(call: Call) -> None:
    """Set how much a traceback shows: Plain, Context, Verbose or Minimal."""
    from wherry_runner.plain.tracebacks import MODES

    mode = call.line.strip().capitalize()
    if mode not in MODES:
        raise UsageError(f"give one of {', '.join(MODES)}, not {call.line!r}")
    call.shell.tracebacks.mode = mode
    call.shell.streams.out(f"Exception reporting mode: {mode}\n")


def line_debug(call: Call) -> None:
    """Look around in the last traceback with pdb."""
    tb = getattr(sys, "last_traceback", None)
    if tb is None:
        call.shell.streams.out("There is no traceback yet.\n")
        return
    import pdb  # noqa: T100 - asked for

    pdb.post_mortem(tb)


def line_matplotlib(call: Call) -> None:
    """Show figures in the notebook (``inline``) or leave them alone (``agg``)."""
    backend = call.line.strip().lower() or "inline"
    if backend not in ("inline", "agg"):
        raise UsageError(f"there is %matplotlib inline and agg; {backend!r} needs IPython")
    call.shell.figures.use_inline(inline=backend == "inline")


def line_config(call: Call) -> None:
    """Set the pictures' format: ``%config InlineBackend.figure_format = 'retina'``."""
    name, _, value = (part.strip() for part in call.line.partition("="))
    if name not in ("InlineBackend.figure_format", "InlineBackend.figure_formats") or not value:
        raise UsageError("only InlineBackend.figure_format can be set without IPython")
    from wherry_runner.plain.figures import FORMATS

    formats = _formats(value)
    unknown = [each for each in formats if each not in FORMATS]
    if unknown or not formats:
        raise UsageError(f"the formats are {', '.join(FORMATS)}; found {value}")
    call.shell.figures.formats = formats


def _formats(value: str) -> List[str]:
    import ast

    try:
        given = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        given = value
    return [given] if isinstance(given, str) else sorted(map(str, given))


def line_load_ext(call: Call) -> None:
    """Refuse: extensions are written against IPython's own classes."""
    raise UsageError(
        f"cannot load {call.line.strip()!r}: extensions need IPython, which this interpreter does"
        " not have; after %pip install ipython and a restart the IPython shell is used"
    )


line_reload_ext = line_load_ext


def line_lsmagic(call: Call) -> None:
    """Print the names of all magics."""
    lines = []
    for kind, marks in (("line", "%"), ("cell", "%%")):
        names = "  ".join(marks + name for name in call.shell.magics.names(kind))
        lines.append(f"Available {kind} magics:\n{names}\n")
    call.shell.streams.out("\n".join(lines))


def line_automagic(call: Call) -> None:
    """Tell that magics are always written with their mark."""
    call.shell.streams.out("Automagic is off here: a line magic is written with its %.\n")
