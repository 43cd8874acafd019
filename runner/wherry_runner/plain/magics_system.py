"""Magics that start other programs."""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys

from wherry_runner.plain import system
from wherry_runner.plain.magics import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, List

    from wherry_runner.plain.magics import Call

_RESTART = "Note: you may need to restart the kernel to use updated packages.\n"


def line_pip(call: Call) -> None:
    """Run pip of this very interpreter."""
    _install(call, [sys.executable, "-m", "pip", *shlex.split(call.line)])


def line_conda(call: Call) -> None:
    """Run conda for the environment of this very interpreter."""
    if not os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
        raise UsageError(f"{sys.prefix} is not a conda environment; %pip installs into it")
    words = shlex.split(call.line)
    command = [os.environ.get("CONDA_EXE", "conda"), *words]
    if words and words[0] in ("install", "remove", "uninstall", "update", "upgrade"):
        command += ["--yes", "--prefix", sys.prefix]  # nobody can answer its question
    _install(call, command)


def _install(call: Call, command: List[str]) -> None:
    names = call.shell.namespace.names
    names["_exit_code"] = system.run(command, call.shell.streams)
    importlib.invalidate_caches()
    if " install" in " " + call.line or " update" in " " + call.line:
        call.shell.streams.out(_RESTART)


def line_sx(call: Call) -> List[str]:
    """Run a command and return the lines of its output."""
    lines, call.shell.namespace.names["_exit_code"] = system.output_of(call.line)
    return lines


line_system = line_sx


def cell_script(call: Call) -> None:
    """Give the cell to a program as its input: ``%%script PROGRAM [ARGUMENTS]``.

    A failure raises unless ``--no-raise-error`` is given; ``--out NAME`` keeps the output.
    """
    options, line = call.options("", _OPTIONS)
    if not line.strip():
        raise UsageError("give a program: %%script PROGRAM [ARGUMENTS]")
    _feed(call, shlex.split(line), options)


_OPTIONS = ("no-raise-error", "out=")


def _script(program: Callable[[], str]) -> Callable[[Call], None]:
    def cell_program(call: Call) -> None:
        options, line = call.options("", _OPTIONS)
        _feed(call, [program(), *shlex.split(line)], options)

    cell_program.__doc__ = f"Give the cell to {program()}; options as of ``%%script``."
    return cell_program


def _feed(call: Call, command: List[str], options: Dict[str, str]) -> None:
    names = call.shell.namespace.names
    if "out" in options:
        names[options["out"]], code = system.answer_of(command, call.cell)
    else:
        code = system.run(command, call.shell.streams, text=call.cell)
    names["_exit_code"] = code
    if code and "no-raise-error" not in options:
        raise subprocess.CalledProcessError(code, command)


cell_bash = _script(lambda: "bash")
cell_sh = _script(lambda: "sh")
cell_python = cell_python3 = _script(lambda: sys.executable)
