"""What one cell asks for itself: ``# wherry: timeout=60, memory=2G`` or its metadata.

The comment stands in the first line that is not blank; ``%%limit timeout=60 memory=2G`` there says
the same. Metadata is what notebooks keep: ``{"execution": {"timeout": 60}}`` or
``{"wherry": {"timeout": 60, "memory": "2G"}}``. The first line wins over the metadata, and both
over the kernel's settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from wherry_kernel.options import seconds, size

_COMMENT = re.compile(r"\s*#\s*wherry\s*:\s*(?P<settings>[^\n]*)")
_MAGIC = re.compile(r"\s*%%limit\b(?P<settings>[^\n]*)\n?")
_ALIASES = {"time": "timeout"}
_READERS = {"timeout": seconds, "memory": size, "output": size}


class CellLimits(NamedTuple):
    """What was asked for, by name (timeout, memory, output), and what could not be understood."""

    limits: Mapping[str, float | int | None]
    problems: tuple[str, ...]


def read(code: str, metadata: Mapping[str, Any]) -> CellLimits:
    """Never raises: a limit that cannot be read is a problem to show, not a cell to refuse."""
    wishes = {**_from_metadata(metadata), **_from_comment(code)}
    if not wishes:
        return _NOTHING
    limits: dict[str, float | int | None] = {}
    problems: list[str] = []
    for name, value in wishes.items():
        reader = _READERS.get(name)
        if reader is None:
            problems.append(f"{name}: unknown; there are: {', '.join(_READERS)}")
            continue
        try:
            limits[name] = reader(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            problems.append(f"{name}: cannot read {value!r}")
    return CellLimits(limits, tuple(problems))


def without_magic(code: str) -> str:
    """Return the code as a runner takes it, which knows no ``%%limit``; line numbers stay."""
    if "%%limit" not in code[:200]:
        return code
    found = _MAGIC.match(code)
    if found is None:
        return code
    rest = code[found.end() :]
    # Another cell magic counts as the first line only behind blank ones.
    line = "" if rest.lstrip().startswith("%%") else f"#{found[0].strip()}"
    return f"{line}\n{rest}"


_NOTHING = CellLimits({}, ())


def _from_comment(code: str) -> dict[str, Any]:
    # Most cells do not have the word; a search for it is all that they pay.
    if not any(word in code[:200] for word in ("wherry", "%%limit")):
        return {}
    if (found := _COMMENT.match(code)) or (found := _MAGIC.match(code)):
        words = found["settings"].replace(",", " ").split()
    else:
        return {}
    parts = (word.partition("=") for word in words if word.strip())
    return {_ALIASES.get(name.strip(), name.strip()): value.strip() for name, _, value in parts}


def _from_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    wishes: dict[str, Any] = {}
    execution = metadata.get("execution")
    if isinstance(execution, Mapping) and "timeout" in execution:
        wishes["timeout"] = execution["timeout"]
    own = metadata.get("wherry")
    if isinstance(own, Mapping):
        wishes.update(own)
    return wishes
