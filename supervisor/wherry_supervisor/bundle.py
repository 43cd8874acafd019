"""What `boot.BOOT` reads from stdin: where the runner's package lies, or the package itself.

An interpreter on this machine is told the folder, and reads only the modules that it needs. To any
other place (ssh, containers) the package travels, because nothing is installed there: sources for
every Python, compiled code beside them for interpreters of our own version.
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


def payload(nonce: str, host: str, *, local: bool) -> bytes:
    """Return what is written to a new interpreter's stdin before the first frame.

    `local` says that it can read our files; `host` is the shell that it may import at once.
    """
    return nonce.encode("ascii") + _block(host, local=local and os.path.isfile(_boot_file()))  # noqa: PTH113


@functools.cache
def _block(host: str, *, local: bool) -> bytes:
    content: dict[str, object] = {"host": host, "magic": importlib.util.MAGIC_NUMBER}
    if local:
        with open(_boot_file(), encoding="utf-8") as file:  # noqa: PTH123 - pathlib is a slow import
            content.update(boot=file.read(), folder=_folder())
    else:
        modules = _modules(_folder())
        content.update(boot=modules[f"{_PACKAGE}.bundled"][1], modules=modules)
    block = zlib.compress(marshal.dumps(content, _MARSHAL_VERSION), 1)
    return b"%08x" % len(block) + block


def _boot_file() -> str:
    return os.path.join(_folder(), "bundled.py")  # noqa: PTH118 - as above


@functools.cache
def _folder() -> str:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_PACKAGE)
    return os.path.dirname(spec.origin)  # noqa: PTH120 - as above


def _modules(root: str) -> dict[str, tuple[bool, str, bytes]]:
    """Return package flag, source and compiled code of each module."""
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
