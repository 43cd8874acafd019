"""Numbers and sentences as people read them. Pure."""

from __future__ import annotations

import math

_STEP = 1024
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE = 60


def size(number: int) -> str:
    """Say a number of bytes in binary units, with hundredths from GiB on."""
    value, unit = float(min(abs(number), _STEP ** len(_UNITS))), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    if unit < _UNITS.index("GiB"):
        return f"{value:.0f} {_UNITS[unit]}"
    return f"{value:.2f}".rstrip("0").rstrip(".") + f" {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Say a stretch of time with two units at most."""
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < _MINUTE:
        return f"{round(max(seconds, 0.0), 3):.3g} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop, unless quoted lines end the text."""
    first = text[:1].upper() + text[1:]
    return first if "\n" in first or first.endswith(".") else f"{first}."


def lower(text: str) -> str:
    """Begin small, to go on after a semicolon."""
    return text[:1].lower() + text[1:]


def printable(text: str) -> str:
    """Escape lone surrogates (names of processes and files), which nobody can encode."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
