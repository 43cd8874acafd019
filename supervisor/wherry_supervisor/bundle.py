"""The runner's package as one block of bytes: what `boot.BOOT` reads from stdin.

Nothing is installed on the other side, so ssh, containers and foreign interpreters all start alike.
Sources travel for every Python, compiled code beside them for interpreters of our own version.
Imported while a kernel starts: no slow imports here.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import marshal
import os
import zlib

_PACKAGE = "wherry_runner"

# marshal's version 2 is read by every Python 3, strings and bytes included.
_MARSHAL_VERSION = 2


def payload(nonce: str) -> bytes:
    """Return what is written to a new interpreter's stdin before the first frame."""
    return nonce.encode("ascii") + _block()


@functools.cache
def _block() -> bytes:
    modules = _modules()
    content = {
        "magic": importlib.util.MAGIC_NUMBER,
        "boot": modules[f"{_PACKAGE}.bundled"][1],
        "modules": modules,
    }
    block = zlib.compress(marshal.dumps(content, _MARSHAL_VERSION), 1)
    return b"%08x" % len(block) + block


def _modules() -> dict[str, tuple[bool, str, bytes]]:
    """Return package flag, source and compiled code of each module."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_PACKAGE)
    root = os.path.dirname(spec.origin)  # noqa: PTH120 - pathlib is a slow import
    modules = {}
    for folder, _, files in os.walk(root):
        for file in files:
            if file.endswith(".py"):
                path = os.path.join(folder, file)  # noqa: PTH118 - as above
                parts = (_PACKAGE, *os.path.relpath(path, root)[:-3].split(os.sep))  # noqa: PTH206
                is_package = parts[-1] == "__init__"
                name = ".".join(parts[:-1] if is_package else parts)
                modules[name] = _load(name, path, is_package=is_package)
    return modules


def _load(name: str, path: str, *, is_package: bool) -> tuple[bool, str, bytes]:
    """Read one module; its code comes from the .pyc where there is one."""
    loader = importlib.machinery.SourceFileLoader(name, path)
    code = loader.get_code(name)
    assert code is not None  # noqa: S101 - only extension modules have none
    return is_package, loader.get_data(path).decode("utf-8"), marshal.dumps(code)
