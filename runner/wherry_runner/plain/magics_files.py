"""Magics about folders, files and the environment."""

from __future__ import annotations

import os
import re

from wherry_runner.plain import system
from wherry_runner.plain.magics import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from wherry_runner.plain.magics import Call

_SETTING = re.compile(r"(?P<name>[^\s=]+)(?:\s*=\s*|\s+)(?P<value>.*)", re.DOTALL)


def line_cd(call: Call) -> None:
    """Change the folder; ``-`` goes back to the one before, ``-q`` is quiet."""
    folders = call.shell.namespace.folders
    options, target = ({}, "-") if call.line.strip() == "-" else call.options("q")
    target = target.strip().strip("\"'")
    if target == "-":
        if len(folders) < 2:  # noqa: PLR2004 - the present one and one before
            raise UsageError("there is no folder to go back to")
        target = folders[-2]
    try:
        os.chdir(os.path.expanduser(target or "~"))
    except OSError as error:
        raise UsageError(f"cannot change to {target!r}: {error.strerror}") from None
    folders.append(os.getcwd())
    if "q" not in options:
        call.shell.streams.out(os.getcwd() + "\n")


def line_pwd(call: Call) -> str:
    """Return the folder."""
    del call
    return os.getcwd()


def _command(name: str) -> Any:
    def line_command(call: Call) -> None:
        system.run(f"{name} {call.line}", call.shell.streams)

    line_command.__doc__ = f"Run the system's ``{name}``."
    return line_command


line_ls = _command("ls")
line_ll = _command("ls -l")
line_cat = _command("cat")
line_cp = _command("cp")
line_mv = _command("mv")
line_rm = _command("rm")
line_mkdir = _command("mkdir")
line_rmdir = _command("rmdir")


def line_env(call: Call) -> Optional[object]:
    """Return all variables or one, or set one: ``%env NAME value`` or ``%env NAME=value``."""
    line = call.line.strip()
    if not line:
        return dict(os.environ)
    if _SETTING.fullmatch(line):
        line_set_env(call)
        return None
    if line not in os.environ:
        raise UsageError(f"the environment has no variable {line!r}")
    return os.environ[line]


def line_set_env(call: Call) -> None:
    """Set a variable of the environment, for this process and the children it starts."""
    found = _SETTING.fullmatch(call.line.strip())
    if not found:
        raise UsageError("give a name and a value: %set_env NAME value")
    os.environ[found["name"]] = found["value"]
    call.shell.streams.out(f"env: {found['name']}={found['value']}\n")


def cell_writefile(call: Call) -> None:
    """Write the cell to a file; ``-a`` appends."""
    options, target = call.options("a", ("append",))
    path = os.path.expanduser(target.strip().strip("\"'"))
    if not path:
        raise UsageError("give the name of the file: %%writefile [-a] FILE")
    appends = bool(options.keys() & {"a", "append"})
    existed = os.path.exists(path)
    with open(path, "a" if appends else "w", encoding="utf-8") as file:
        file.write(call.cell)
    call.shell.streams.out(f"{_DOING[existed, appends]} {path}\n")


_DOING: Dict[Any, str] = {
    (False, False): "Writing",
    (True, False): "Overwriting",
    (False, True): "Writing",
    (True, True): "Appending to",
}

cell_file = cell_writefile
