"""Lists the interpreters of a machine, and finds the one that a person means.

`places` says where to look, `probing` asks each one what it is, `probe_cache` remembers.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from wherry_supervisor.errors import EnvironmentNotFound
from wherry_supervisor.places import (
    Candidate,
    Surroundings,
    candidates,
    interpreter_in,
    is_shim,
    on_path,
    parse_py_list,
)
from wherry_supervisor.probe_cache import ProbeCache
from wherry_supervisor.probing import probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wherry_supervisor.places import Origin
    from wherry_supervisor.python_facts import Probe

#: An interpreter's start is nearly all CPU, so more at once than cores only delays each.
_AT_ONCE = min(8, os.cpu_count() or 2)

#: Environments are made for one purpose: they answer to a version only where they are in use.
_IN_USE: frozenset[Origin] = frozenset({"active", "folder", "path", "running"})

_VERSION = re.compile(r"(?P<name>c?python|pypy)?(?P<number>\d+(?:\.\d+){0,2})?")


async def discover(
    *,
    folder: str | os.PathLike[str] | None = None,
    around: Surroundings | None = None,
    cache: ProbeCache | None = None,
    timeout: float = 10.0,
) -> list[Probe]:
    """Find and probe every interpreter, the preferred ones first.

    Those that cannot be used are listed with their reason. One installation with several names is
    listed once; a venv is never taken for its base. `folder` adds what belongs to that project.
    """
    survey = await _survey(
        folder=folder, around=around or Surroundings.here(), cache=cache, timeout=timeout
    )
    return [found for _, found in survey]


async def resolve(
    word: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    around: Surroundings | None = None,
    cache: ProbeCache | None = None,
    timeout: float = 10.0,
) -> Probe:
    """Find the one interpreter that `word` means, usable.

    A word is a path (of an interpreter or of an environment's folder), a version (``3.12``), a
    command (``python3.9``, ``pypy3``) or the name of an environment. A version means the
    environment in use where it fits, and else the newest installation, never somebody's venv.
    Relative paths count from `folder`, and without it from the current folder.

    Raises:
        EnvironmentNotFound: Nothing fits, several things fit, or what fits cannot be used.
    """
    around = around or Surroundings.here()
    base = Path(folder) if folder is not None else Path()
    word = word.strip()
    if not word:
        raise EnvironmentNotFound(f"found an empty name of an interpreter, expected {_EXPECTED}")
    if _is_path(word):
        return await _at(base / _expanded(word, around), timeout=timeout)
    version = _VERSION.fullmatch(word)
    if version and version["name"] and (path := on_path(around, word)):
        found = await _command(path, timeout=timeout)
        if found is not None:
            return found
    survey = await _survey(folder=folder, around=around, cache=cache, timeout=timeout)
    if version:
        return _by_version(word, survey, name=version["name"], number=version["number"])
    return await _by_name(word, survey, base=base, timeout=timeout)


# --- Looking around -----------------------------------------------------------------------------


async def _survey(
    *,
    folder: str | os.PathLike[str] | None,
    around: Surroundings,
    cache: ProbeCache | None,
    timeout: float,
) -> list[tuple[Candidate, Probe]]:
    start = None if folder is None else Path(folder)
    # Slow disks and network folders must not hold up the event loop.
    looked_at = await asyncio.to_thread(candidates, around, folder=start)
    looked_at += await asyncio.to_thread(_py_launcher)
    kept = cache if cache is not None else await asyncio.to_thread(ProbeCache)
    gate = asyncio.Semaphore(_AT_ONCE)
    probes = await asyncio.gather(
        *(_ask(each.path, kept, gate, timeout=timeout) for each in looked_at)
    )
    await asyncio.to_thread(kept.save)
    return _distinct(zip(looked_at, probes, strict=True))


async def _ask(path: Path, cache: ProbeCache, gate: asyncio.Semaphore, *, timeout: float) -> Probe:
    found = cache.get(str(path))
    if found is None:
        async with gate:
            found = await probe(path, timeout=timeout)
        cache.put(found)
    return found


def _distinct(survey: Iterable[tuple[Candidate, Probe]]) -> list[tuple[Candidate, Probe]]:
    """Keep the first of those that are one installation; some are hard links or copies."""
    kept: dict[tuple[str, ...], tuple[Candidate, Probe]] = {}
    for candidate, found in survey:
        key: tuple[str, ...] = (found.path,)
        if found.version:
            key = (os.path.realpath(found.prefix), found.version, found.implementation)
        kept.setdefault(key, (candidate, found))
    return list(kept.values())


def _py_launcher() -> list[Candidate]:
    """Ask Windows' launcher for its list. Written from its documentation, not tried."""
    if os.name != "nt":
        return []
    try:
        done = subprocess.run(["py", "-0p"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    paths = parse_py_list(done.stdout.decode("utf-8", "replace"))
    return [Candidate(Path(path), "installation") for path in paths]


# --- One word, one interpreter ------------------------------------------------------------------

_EXPECTED = (
    "the path of an interpreter or environment, a version such as 3.12, a command such as "
    "python3.12, or the name of an environment"
)
#: A message that lists more is not read.
_FEW = 6
_ADVICE = "`wherry kernel list` shows what was found; a path always works"


def _is_path(word: str) -> bool:
    return word.startswith((".", "~")) or os.sep in word or (os.altsep or os.sep) in word


def _expanded(word: str, around: Surroundings) -> Path:
    if word == "~" or word.startswith(f"~{os.sep}"):
        return around.home / word[2:]
    return Path(word)


async def _at(path: Path, *, timeout: float) -> Probe:
    interpreter: Path | None = path
    if os.path.isdir(path):  # noqa: ASYNC240, PTH112 - one stat; no permission is no error
        interpreter = interpreter_in(path)
    if interpreter is None:
        raise EnvironmentNotFound(
            f"found no interpreter in the folder {path}, expected bin/python (or Scripts) in it; "
            "give the folder of an environment, or the interpreter itself"
        )
    return _usable(await probe(interpreter, timeout=timeout), word=str(path))


async def _command(path: Path, *, timeout: float) -> Probe | None:
    """Probe what a shell would start. A shim tells which interpreter it picks, or None."""
    found = await probe(path, timeout=timeout)
    if not is_shim(path):
        return _usable(found, word=path.name)
    if not found.usable:
        return None
    return dataclasses.replace(found, path=found.executable)


def _usable(found: Probe, *, word: str) -> Probe:
    if found.usable:
        return found
    at = "" if word == found.path else f" ({found.path})"
    raise EnvironmentNotFound(f"{word}{at} cannot be used: {found.reason}. {_ADVICE}.")


def _by_version(
    word: str, survey: Sequence[tuple[Candidate, Probe]], *, name: str | None, number: str | None
) -> Probe:
    wanted = tuple(int(n) for n in number.split(".")) if number else ()
    fits = [
        (candidate, found)
        for candidate, found in survey
        if found.number[: len(wanted)] == wanted
        and found.number
        and found.implementation == (name if name == "pypy" else "cpython")
        and (candidate.origin in _IN_USE or found.kind not in {"venv", "conda"})
    ]
    usable = [(candidate, found) for candidate, found in fits if found.usable]
    if usable:
        return min(usable, key=_preference)[1]
    if fits:
        return _usable(fits[0][1], word=word)
    shown = _few(f"{each.version} ({each.path})" for _, each in survey if each.usable)
    raise EnvironmentNotFound(f"found no interpreter for {word}, only {shown}. {_ADVICE}.")


def _preference(item: tuple[Candidate, Probe]) -> tuple[int, tuple[int, ...]]:
    """Those in use in their order, then the newest; `min` takes the first of equals."""
    candidate, found = item
    if candidate.origin in _IN_USE:
        return 0, ()
    return 1, tuple(-n for n in found.number)


async def _by_name(
    word: str, survey: Sequence[tuple[Candidate, Probe]], *, base: Path, timeout: float
) -> Probe:
    if os.path.exists(base / word):  # noqa: ASYNC240, PTH110 - one stat; no permission is no error
        return await _at(base / word, timeout=timeout)
    fits = [found for _, found in survey if word in {found.name, Path(found.prefix).name}]
    if not fits:
        named = (each for _, each in survey if each.kind in {"venv", "conda"})
        shown = _few(f"{each.name} ({each.path})" for each in named)
        raise EnvironmentNotFound(
            f"found no environment named {word}, only {shown}; expected {_EXPECTED}. {_ADVICE}."
        )
    usable = [found for found in fits if found.usable]
    if len(usable) > 1:
        paths = ", ".join(found.path for found in usable)
        raise EnvironmentNotFound(
            f"found {len(usable)} environments named {word}: {paths}. Give the path of one."
        )
    return _usable((usable or fits)[0], word=word)


def _few(found: Iterable[str]) -> str:
    shown = list(found)
    more = [f"{len(shown) - _FEW} more"] if len(shown) > _FEW else []
    return ", ".join(shown[:_FEW] + more) or "none at all"
