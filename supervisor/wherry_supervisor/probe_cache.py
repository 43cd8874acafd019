"""Keeps what interpreters said, for as long as nothing of them changed on disk.

One JSON file for the user. Each entry remembers the files and folders that its answer depends on
with their times and sizes, so a hit costs a few stat calls and no start of an interpreter. The file
is only ever replaced as a whole: two processes may write at once, and the last one wins.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry_supervisor.python_facts import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

#: Raised when an entry's meaning changes; a file that says another number is ignored.
_FORMAT = 1

_FIELDS = {field.name: field for field in dataclasses.fields(Probe)}

#: Path, time in nanoseconds and size; the last two are None where there is nothing.
_Mark = tuple[str, "int | None", "int | None"]


def cache_file() -> Path:
    """Return where this user's answers are kept, without making the folder."""
    if sys.platform == "win32":  # written from its documentation, not tried
        folder = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "wherry" / "interpreters.json"


class ProbeCache:
    """Answers by the path that was asked; only `save` writes, and failing to write is no error.

    Only answers that stay true are kept: not those of a launcher that picks an interpreter anew
    each time (pyenv's shims), and not failures, which may be cured or have been a busy machine.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_file()
        self._entries = _load(self._file)
        self._fresh: dict[str, dict[str, Any]] = {}

    def get(self, path: str) -> Probe | None:
        """Return the kept answer if nothing that it depends on has changed."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        try:
            marks = entry["marks"]
            fresh = marks and all(_mark(mark[0]) == tuple(mark) for mark in marks)
            return _thaw(entry["probe"]) if fresh else None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return None

    def put(self, probe: Probe) -> None:
        """Keep an answer until `save`, unless it is of a kind that is not kept."""
        if not probe.version or not _same_file(probe.executable, probe.path):
            return
        entry = {"marks": _marks(probe), "probe": dataclasses.asdict(probe)}
        self._entries[probe.path] = self._fresh[probe.path] = entry

    def save(self) -> None:
        """Add the new answers to the file, without those whose interpreter is gone."""
        if not self._fresh:
            return
        entries = {**_load(self._file), **self._fresh}
        entries = {path: entry for path, entry in entries.items() if os.path.lexists(path)}
        try:
            _replace(self._file, json.dumps({"format": _FORMAT, "entries": entries}))
        except OSError as error:
            logger.debug("interpreter cache %s not written: %s", self._file, error)
        self._fresh.clear()


def _load(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(file.read_bytes())
        if content["format"] != _FORMAT:
            return {}
        return {k: v for k, v in content["entries"].items() if isinstance(v, dict)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes it 0600: which interpreters a person has is theirs to know.
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(text)
        Path(temporary).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _thaw(values: dict[str, Any]) -> Probe:
    known = {name: value for name, value in values.items() if name in _FIELDS}
    probe = Probe(**{**known, "folders": tuple(known["folders"])})
    texts = (probe.path, probe.version, probe.executable, probe.prefix, probe.kind, probe.reason)
    if not all(isinstance(text, str) for text in texts) or not isinstance(probe.packages, dict):
        raise TypeError(probe)
    return probe


def _marks(probe: Probe) -> list[_Mark]:
    return [_mark(path) for path in _watched(probe)]


def _watched(probe: Probe) -> Iterable[str]:
    binaries = Path(probe.path).parent
    yield probe.path
    yield str(binaries / "pyvenv.cfg")
    yield str(binaries.parent / "pyvenv.cfg")
    yield from probe.folders


def _mark(path: str) -> _Mark:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return (path, None, None)
    return (path, found.st_mtime_ns, found.st_size)


def _same_file(one: str, other: str) -> bool:
    return bool(one) and os.path.realpath(one) == os.path.realpath(other)
