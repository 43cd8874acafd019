"""The command line of ``python -m wherry_kernel``. Pure: a list of words in, `Arguments` out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OURS = "WherryKernel."

#: Names of ipykernel's command line for what a connection file says.
_CONNECTION = {
    "ip": "ip",
    "transport": "transport",
    "shell": "shell",
    "iopub": "iopub",
    "stdin": "stdin",
    "control": "control",
    "hb": "hb",
}

#: Names of ipykernel's command line for settings of ours.
_SETTINGS = {"log-level": "log_level", "profile": "profile"}

_WITH_VALUE = frozenset({"f", "config", *_SETTINGS, *_CONNECTION})


@dataclass
class Arguments:
    """What the command line says. Words that are not ours are kept in `ignored`."""

    connection_file: str | None = None
    config_file: str | None = None
    help: bool = False
    version: bool = False
    ip: str = ""
    transport: str = "tcp"
    ports: dict[str, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def parse(words: Sequence[str]) -> Arguments:
    """Take the words apart; unknown ones never stop a kernel.

    Clients add words for ipykernel to any kernel's command line
    (``--HistoryManager.hist_file=:memory:``), so unknown is not wrong here.
    """
    arguments = Arguments()
    for name, value in _pairs(words):
        if name.startswith(OURS):
            arguments.settings[name.removeprefix(OURS)] = value
        elif name == "f":
            arguments.connection_file = value
        elif name == "config":
            arguments.config_file = value
        elif name in {"ip", "transport"}:
            setattr(arguments, name, value)
        elif name in _CONNECTION and value.isdigit():
            arguments.ports[name] = int(value)
        elif name in _SETTINGS:
            arguments.settings[_SETTINGS[name]] = value
        elif name == "debug":
            arguments.settings["log_level"] = "DEBUG"
        elif name in {"h", "help", "help-all"}:
            arguments.help = True
        elif name == "version":
            arguments.version = True
        else:
            arguments.ignored.append(f"{name}={value}" if value else name)
    return arguments


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield names without dashes and values: what follows ``=``, else the next word, if due."""
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and word.startswith("-") and (name in _WITH_VALUE or name.startswith(OURS)):
            value = next(waiting, "")
        yield name, value
