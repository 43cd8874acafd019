"""The settings of a kernel: what people write as ``--WherryKernel.name=value`` or in a file.

One table, read by the command line, by configuration files and by the generated reference.
It does without traitlets' classes because their import (36 ms) would be in every start.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wherry_kernel.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def seconds(value: Any) -> float | None:
    """Seconds, as a number or a text; "none" means no limit."""
    if _is_none(value):
        return None
    number = float(value)
    if math.isnan(number) or number < 0:
        raise ValueError("expected seconds from 0 up, or none")
    return number


def fraction(value: Any) -> float | None:
    """A part of one, such as 0.9; "none" means none."""
    if _is_none(value):
        return None
    number = float(value)
    if not 0 < number <= 1:
        raise ValueError("expected a number above 0, up to 1, or none")
    return number


#: Beyond what addresses of 64 bits can name: a slip of the keyboard, and no limit at all.
_NO_MACHINE_HAS = 1 << 60


def size(value: Any) -> int | None:
    """Bytes; K, M, G and T are powers of 1024, with or without B or iB; "none" means no limit."""
    if _is_none(value):
        return None
    if isinstance(value, (int, float)):
        count = int(value)
    else:
        text = str(value).strip().upper().removesuffix("B").removesuffix("I")
        unit = text[-1:] if text[-1:] in _UNITS else ""
        count = int(float(text[: len(text) - len(unit)]) * _UNITS[unit])
    if not 0 < count < _NO_MACHINE_HAS:
        raise ValueError("expected a number of bytes above 0, as 2G or 500M")
    return count


def flag(value: Any) -> bool:
    """True and False in the spellings of command lines."""
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError("expected true or false")


def text(value: Any) -> str | None:
    """Text; empty and "none" mean unset."""
    return None if _is_none(value) else str(value)


def one_of(*words: str) -> Callable[[Any], str]:
    """One of `words`."""

    def choose(value: Any) -> str:
        if value not in words:
            raise ValueError(f"expected one of: {', '.join(words)}")
        return str(value)

    return choose


def _is_none(value: Any) -> bool:
    return value is None or str(value).strip().lower() in {"", "none"}


def _setting(default: object, read: Callable[[Any], Any], help: str) -> Any:
    return dataclasses.field(default=default, metadata={"read": read, "help": help})


@dataclass(frozen=True)
class Options:
    """All settings with their defaults. `help` is for people and goes into the reference."""

    python: str | None = _setting(
        None, text, "The interpreter that runs user code; unset: the kernel's own."
    )
    launcher: str | None = _setting(
        None,
        text,
        "A command that starts the interpreter elsewhere, such as 'ssh host'; its python3, unless "
        "python says otherwise.",
    )
    mode: str = _setting(
        "supervised",
        one_of("supervised", "inprocess"),
        "inprocess runs ipykernel instead, without any protection; for hosts that forbid "
        "subprocesses.",
    )
    host: str = _setting(
        "auto",
        one_of("auto", "ipython", "plain"),
        "auto takes IPython when the interpreter has it; the other two insist.",
    )
    profile: str | None = _setting(
        None, text, "The IPython profile whose configuration and startup files are used."
    )
    time_limit: float | None = _setting(
        None, seconds, "Seconds that one cell may run. A first line '# wherry: timeout=60' wins."
    )
    memory_limit: int | None = _setting(
        None, size, "Memory of the runner and its children together, for example 2G."
    )
    memory_soft: float | None = _setting(
        0.9,
        fraction,
        "Part of the memory limit at which the running cell is interrupted, so that variables can "
        "be saved; none: only the limit itself counts.",
    )
    output_limit: int | None = _setting(
        None, size, "Text that one cell may print before the middle of it is left out."
    )
    interrupt_hard_after: float = _setting(
        1.5, float, "Seconds from an interrupt to the hard one, which breaks bare excepts."
    )
    interrupt_kill_after: float | None = _setting(
        5.0,
        seconds,
        "Seconds from an interrupt that is not obeyed to the end of the runner and its state; "
        "none: only interrupting again and again goes that far.",
    )
    spare: bool = _setting(
        default=False,
        read=flag,
        help="Keep a second runner ready: a restart takes 5 ms instead of 20, for 10 MB of memory.",
    )
    on_crash: str = _setting(
        "report",
        one_of("report", "exit"),
        "After a death of the runner: report it and go on with a new one, or exit.",
    )
    after_crash: str = _setting(
        "continue",
        one_of("continue", "fail"),
        "continue runs later cells in the empty namespace and says so once; fail refuses them "
        "until the kernel is restarted.",
    )
    crash_status: str = _setting(
        "restarting",
        one_of("restarting", "starting"),
        "The status told to clients after a death. At restarting JupyterLab shows its "
        "dialogue about a kernel that died.",
    )
    history_file: str | None = _setting(
        None, text, "SQLite file that keeps the inputs; unset: they are kept for the session."
    )
    log_level: str = _setting("WARNING", lambda value: str(value).upper(), "Level of the log.")


SETTINGS: Mapping[str, dataclasses.Field[Any]] = {
    field.name: field for field in dataclasses.fields(Options)
}


def from_settings(settings: Mapping[str, Any]) -> Options:
    """Return the options, or raise `OptionError` naming the setting and what it may be."""
    values: dict[str, Any] = {}
    for name, value in settings.items():
        setting = SETTINGS.get(name)
        if setting is None:
            raise OptionError(f"WherryKernel.{name}: unknown; there are: {', '.join(SETTINGS)}")
        try:
            values[name] = setting.metadata["read"](value)
        except (ValueError, TypeError) as error:
            raise OptionError(f"WherryKernel.{name}: {error}; found {value!r}") from error
    return Options(**values)
