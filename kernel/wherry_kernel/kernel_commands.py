"""``wherry kernel install | list | remove | probe``."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from wherry_kernel import kernelspecs
from wherry_kernel.options import seconds, size
from wherry_supervisor import interpreters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wherry_kernel.kernelspecs import Kernelspec
    from wherry_supervisor.python_facts import Probe


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Describe the verbs of this group; each sets `run`, which returns the exit code."""
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_install(verbs)
    listing = _add(verbs, "list", _list, "list interpreters, and the kernels that use them")
    listing.add_argument("--all", action="store_true", help="also those that cannot be used")
    removal = _add(verbs, "remove", _remove, "remove a kernel; its interpreter stays")
    removal.add_argument("name", metavar="NAME")
    probe = _add(verbs, "probe", _probe, "say which interpreter a word means, and what it has")
    probe.add_argument("word", metavar="WORD", help=_WORD)


_NAME = "letters, digits and . _ - only"
_SECONDS = "seconds, as 60 or 0.5"
_SIZE = "bytes, as 2G or 500M"
_WORD = "a path, an environment's folder or name, or a version such as 3.12"


def _add(verbs: Any, name: str, run: Callable[[Any], int], summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=run)
    return parser


def _add_install(verbs: Any) -> None:
    parser = _add(verbs, "install", _install, "make a kernel for an interpreter")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--python", metavar="WORD", help=f"{_WORD}; default: this Python")
    which.add_argument("--env", metavar="NAME", help="the same, for the name of an environment")
    parser.add_argument(
        "--name", type=_typed(kernelspecs.check_name, _NAME), help="what clients call it"
    )
    parser.add_argument("--display-name", metavar="TEXT", help="what people see")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for you, in all environments")
    where.add_argument("--sys-prefix", action="store_true", help="for this environment (default)")
    where.add_argument("--prefix", metavar="FOLDER", help="for the environment in FOLDER")
    parser.add_argument(
        "--timeout",
        type=_typed(seconds, _SECONDS),
        metavar="S",
        help="seconds that one cell may run",
    )
    parser.add_argument(
        "--memory",
        type=_typed(size, _SIZE),
        metavar="SIZE",
        help="memory of all its processes, as 2G",
    )
    parser.add_argument(
        "--launcher", metavar="COMMAND", help='what to put before the interpreter, as "ssh host"'
    )
    parser.add_argument(
        "--restart-in-place",
        action=argparse.BooleanOptionalAction,
        help="quick restarts, for servers that run in this environment; default: with --sys-prefix",
    )
    parser.add_argument("--replace", action="store_true", help="take the place of an older one")


def _typed(read: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    """Let argparse say what was expected where a reader cannot read."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, IndexError):
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {expected}") from None

    return convert


# --- install ------------------------------------------------------------------------------------


def _install(chosen: argparse.Namespace) -> int:
    word = chosen.python or chosen.env
    found: Probe | None = None
    python = word
    if word and not chosen.launcher:
        found = asyncio.run(interpreters.resolve(word))
        python = found.path
    in_place = chosen.restart_in_place
    if in_place is None:
        in_place = not chosen.user and chosen.prefix is None
    spec = kernelspecs.content(
        display_name=chosen.display_name or _title(found, chosen.launcher),
        settings={
            "python": python,
            "launcher": chosen.launcher,
            "time_limit": chosen.timeout,
            "memory_limit": chosen.memory,
        },
        restarts_in_place=in_place,
    )
    name = chosen.name or _default_name(found, chosen.launcher)
    kernels = kernelspecs.directory(user=chosen.user, prefix=chosen.prefix)
    folder = kernelspecs.install(kernels, name, spec, replace=chosen.replace)
    if chosen.json:
        _print_json({"name": name, "folder": str(folder), **spec})
    else:
        _print(f"installed {name} ({spec['display_name']}) in {folder}")
    return 0


def _title(found: Probe | None, launcher: str | None) -> str:
    if launcher:
        return f"Python on {shlex.split(launcher)[-1]} (Wherry)"
    if found is None:
        return "Python 3 (Wherry)"
    named = f"{found.name}, " if found.kind in _NAMED else ""
    return f"Python {_short_version(found)} ({named}Wherry)"


def _default_name(found: Probe | None, launcher: str | None) -> str:
    if launcher:
        return f"wherry-{kernelspecs.slug(shlex.split(launcher)[-1])}"
    if found is None:
        return "wherry"
    name = found.name if found.kind in _NAMED else f"python{_short_version(found)}"
    return f"wherry-{kernelspecs.slug(name)}"


#: Kinds of environments that people give names to; of others there is one for each version.
_NAMED = {"venv", "conda"}


def _short_version(found: Probe) -> str:
    return ".".join(str(n) for n in found.number[:2])


# --- list, remove, probe ------------------------------------------------------------------------


def _list(chosen: argparse.Namespace) -> int:
    probes = asyncio.run(interpreters.discover())
    specs = kernelspecs.find_all()
    shown = [each for each in probes if each.usable or chosen.all or chosen.json]
    if chosen.json:
        _print_json([_record(each, specs) for each in shown])
        return 0
    rows = [_row(each, specs) for each in shown]
    _print_table(("NAME", "PYTHON", "KIND", "IPYTHON", "KERNELS", "PATH"), rows)
    hidden = len(probes) - len(shown)
    if hidden:
        _print(f"{hidden} more cannot be used; --all says why")
    for spec in _strangers(specs, probes):
        _print(f"kernel {spec.name} uses {spec.python or ' '.join(spec.argv)}, not found above")
    return 0


def _record(found: Probe, specs: Iterable[Kernelspec]) -> dict[str, Any]:
    return {**dataclasses.asdict(found), "name": found.name, "kernels": _kernels(found, specs)}


def _row(found: Probe, specs: Iterable[Kernelspec]) -> tuple[str, ...]:
    kernels = ", ".join(_kernels(found, specs)) or "-"
    where = found.path if found.usable else f"{found.path}: {found.reason}"
    return found.name, found.version or "?", found.kind, found.ipython or "-", kernels, where


def _kernels(found: Probe, specs: Iterable[Kernelspec]) -> list[str]:
    return [each.name for each in specs if _uses(each, found)]


def _uses(spec: Kernelspec, found: Probe) -> bool:
    python = spec.python
    if python is None:
        return False
    known = {found.path, found.executable} - {""}
    return any(kernelspecs.is_same_interpreter(python, each) for each in known)


def _strangers(specs: Iterable[Kernelspec], probes: Sequence[Probe]) -> list[Kernelspec]:
    """Kernels of ours whose interpreter is gone, or is on another machine."""
    return [each for each in specs if each.is_ours and not any(_uses(each, p) for p in probes)]


def _remove(chosen: argparse.Namespace) -> int:
    folder = kernelspecs.remove(chosen.name)
    if chosen.json:
        _print_json({"name": chosen.name, "folder": str(folder)})
    else:
        _print(f"removed {chosen.name} from {folder}")
    return 0


def _probe(chosen: argparse.Namespace) -> int:
    found = asyncio.run(interpreters.resolve(chosen.word))
    specs = kernelspecs.find_all()
    if chosen.json:
        _print_json(_record(found, specs))
        return 0
    packages = ", ".join(f"{name} {version}" for name, version in sorted(found.packages.items()))
    shell = f"IPython {found.ipython}" if found.ipython else "the plain shell, as it has no IPython"
    _print_pairs(
        {
            "name": found.name,
            "python": f"{found.version} ({found.implementation}, {found.bits} bit)",
            "path": found.path,
            "kind": found.kind,
            "cells run in": shell,
            "packages": packages or "none that matter here",
            "kernels": ", ".join(_kernels(found, specs)) or "none",
        }
    )
    return 0


# --- output -------------------------------------------------------------------------------------


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _print_json(value: object) -> None:
    _print(json.dumps(value, indent=1))


def _print_pairs(pairs: Mapping[str, str]) -> None:
    width = max(map(len, pairs))
    for name, value in pairs.items():
        _print(f"{name:<{width}}  {value}")


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        _print("  ".join(cells).rstrip())
