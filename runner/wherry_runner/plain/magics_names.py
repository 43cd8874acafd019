"""Magics about the user's names and what was typed."""

from __future__ import annotations

import fnmatch
import re

from wherry_runner.plain.magics import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Tuple

    from wherry_runner.plain.magics import Call

_COLUMN = 30
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def line_who_ls(call: Call) -> List[str]:
    """Return the user's names, of the given types only when some are given."""
    types, names = call.line.split(), call.shell.namespace.names
    found = call.shell.namespace.user_names()
    return [name for name in found if not types or type(names[name]).__name__ in types]


def line_who(call: Call) -> None:
    """Print the user's names."""
    found = line_who_ls(call)
    call.shell.streams.out("\t".join(found) + "\n" if found else _EMPTY)


def line_whos(call: Call) -> None:
    """Print the user's names with their types and values."""
    names = call.shell.namespace.names
    rows = [(name, type(names[name]).__name__, _brief(names[name])) for name in line_who_ls(call)]
    if not rows:
        call.shell.streams.out(_EMPTY)
        return
    rows.insert(0, ("Variable", "Type", "Data/Info"))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{a:<{widths[0]}}   {b:<{widths[1]}}   {c}".rstrip() for a, b, c in rows]
    lines.insert(1, "-" * max(map(len, lines[:1])))
    call.shell.streams.out("\n".join(lines) + "\n")


_EMPTY = "Interactive namespace is empty.\n"


def _brief(value: Any) -> str:
    if type(value) in (list, tuple, dict, set, frozenset):
        return f"n={len(value)}"
    shape = getattr(value, "shape", None)
    if type(shape) is tuple:
        return "x".join(map(str, shape)) + f": {getattr(value, 'dtype', '')}".rstrip(": ")
    text = " ".join(repr(value).split())
    return text if len(text) <= 2 * _COLUMN else f"{text[:_COLUMN]}<...>{text[-_COLUMN:]}"


def line_reset(call: Call) -> None:
    """Forget all names; asks first unless ``-f`` is given."""
    options, _ = call.options("fs")
    if "f" not in options:
        question = "Once deleted, variables cannot be recovered. Proceed (y/[n])? "
        if not call.shell.session.input(question).strip().lower().startswith("y"):
            call.shell.streams.out("Nothing done.\n")
            return
    call.shell.namespace.reset()


def line_history(call: Call) -> None:
    """Print what was typed: ``%history [-n] [-l LAST] [FROM-TO ...]``."""
    options, ranges = call.options("nl:")
    inputs = call.shell.namespace.inputs
    chosen = list(_chosen(ranges, len(inputs)))
    if options.get("l", "").isdigit():
        chosen = chosen[-int(options["l"]) :]
    marks = {number: f"{number:4}: " if "n" in options else "" for number in chosen}
    lines = [marks[number] + inputs[number] for number in chosen if inputs[number]]
    call.shell.streams.out("\n".join(lines) + "\n")


line_hist = line_history


def _chosen(ranges: str, length: int) -> Iterator[int]:
    if not ranges.strip():
        yield from range(1, length)
    for word in ranges.replace(",", " ").split():
        found = _RANGE.fullmatch(word)
        if not found:
            raise UsageError(f"{word!r} is not a range of cells such as 3 or 4-6")
        first = int(found[1])
        yield from range(max(1, first), min(length, int(found[2] or first) + 1))


def line_pinfo(call: Call) -> None:
    """Show what is known about a name."""
    _show_info(call, 0)


def line_pinfo2(call: Call) -> None:
    """Show what is known about a name, with its source."""
    _show_info(call, 1)


def _show_info(call: Call, detail: int) -> None:
    from wherry_runner.plain.inspection import describe

    text = describe(call.shell, call.line.strip(), detail, call.names)
    if text is None:
        call.shell.streams.out(f"Object `{call.line.strip()}` not found.\n")
    else:
        call.shell.page(text)


def line_psearch(call: Call) -> None:
    """Show the names that fit a pattern with ``*``."""
    owner, pattern = _owner(call.line.strip())
    from wherry_runner.plain.lookup import all_names, attributes, resolve

    if owner:
        known, value = resolve(owner, call.names)
        names = attributes(value) if known else []
    else:
        names = all_names(call.names)
    found = [name for name in sorted(names) if fnmatch.fnmatchcase(name.lower(), pattern.lower())]
    prefix = owner + "." if owner else ""
    call.shell.page("\n".join(prefix + name for name in found) or f"No names fit `{call.line}`.")


def _owner(pattern: str) -> Tuple[str, str]:
    owner, dot, last = pattern.rpartition(".")
    return (owner, last) if dot and "*" not in owner else ("", pattern)
