"""Cells as files, which is how debug clients know them.

A client names a cell by a hash of its text: ``prefix + murmur2(text) + suffix``, and the code that
runs has the name that the shell gave it, which tracebacks and crash reports show. The two meet in
source maps: "line n of this file is line m of that code".
"""

from __future__ import annotations

import os
import stat
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

#: ipykernel's; clients are told, so any number would do.
SEED = 0xC70F6907
SUFFIX = ".py"

_MASK = 0xFFFFFFFF
_FACTOR = 0x5BD1E995
_WORD = 4


def murmur2(data: bytes, seed: int) -> int:
    """MurmurHash2, 32 bits: the hash that clients of Jupyter's debugger know."""
    h = seed ^ len(data)
    whole = len(data) // _WORD * _WORD
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        k = (word * _FACTOR) & _MASK
        k ^= k >> 24
        h = (h * _FACTOR) & _MASK ^ (k * _FACTOR) & _MASK
    if whole < len(data):
        h = ((h ^ int.from_bytes(data[whole:], "little")) * _FACTOR) & _MASK
    h = ((h ^ h >> 13) * _FACTOR) & _MASK
    return h ^ h >> 15


class CellFiles:
    """The folder of the files. It is made when the first file is written."""

    def __init__(self, owner: int) -> None:
        self._folder = _folder(owner)

    @property
    def prefix(self) -> str:
        return self._folder + os.sep

    def path(self, code: str) -> str:
        """Return the name of the file that stands for a cell."""
        hashed = murmur2(code.encode("utf-8", "surrogatepass"), SEED)
        return f"{self.prefix}{hashed}{SUFFIX}"

    def dump(self, code: str) -> str:
        """Write the file, because the debugger refuses breakpoints in files that do not exist.

        Raises:
            PermissionError: Somebody else has made a folder of our name meanwhile.
        """
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        if not _is_ours(self._folder):
            raise PermissionError(f"{self._folder} belongs to others")
        path = self.path(code)
        with open(path, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.write(code)
        return path

    def remove(self) -> None:
        """Remove the folder; a second time changes nothing."""
        import shutil

        shutil.rmtree(self._folder, ignore_errors=True)


def read(path: object) -> Optional[str]:
    """Return a file's text, None when there is no such file."""
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def source_map(path: str, code: str, compiled: str, filename: str) -> Dict[str, Any]:
    """Return the arguments of debugpy's ``setPydevdSourceMap`` for one cell.

    Shells drop empty lines at a cell's begin; clients count them.
    """
    dropped = max(0, _empty_lines(code) - _empty_lines(compiled))
    entry = {
        "line": 1 + dropped,
        "endLine": code.count("\n") + 1,
        "runtimeSource": {"path": filename},
        "runtimeLine": 1,
    }
    return {"source": {"path": path}, "pydevdSourceMaps": [entry]}


def _empty_lines(code: str) -> int:
    lines = code.split("\n")
    return next((at for at, line in enumerate(lines) if line.strip()), 0)


def _folder(owner: int) -> str:
    """Choose a folder that stays the same when the worker is replaced: clients keep its name.

    The name can be guessed, so what stands there already is taken only if nobody else can write
    to it.
    """
    import tempfile

    folder = os.path.join(os.path.realpath(tempfile.gettempdir()), f"wherry_{owner}")
    if os.path.lexists(folder) and not _is_ours(folder):
        return tempfile.mkdtemp(prefix="wherry_")
    return folder


def _is_ours(folder: str) -> bool:
    found = os.lstat(folder)
    is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return is_private and found.st_uid == os.geteuid()
