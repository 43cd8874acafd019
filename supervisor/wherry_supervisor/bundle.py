"""The runner's package as one block of bytes, and the short program that receives it.

`BOOT` is what stands on the command line (`python -c BOOT`): it reads the block from stdin with raw
reads, because a buffered read would swallow the first frames, and runs it. Nothing else is needed
on the other side, so ssh, containers and foreign interpreters all start alike, and neither code nor
secrets appear in an argument list.
"""

from __future__ import annotations

import functools
import importlib.util
import marshal
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import InspectLoader
    from types import CodeType

_PACKAGE = "wherry_runner"

#: Removes the current folder from the module path until user code runs, so that a file `json.py`
#: beside a notebook cannot take the place of the standard library's.
BOOT = """\
import sys
sys.path[:] = [p for p in sys.path if p]
import os, zlib, marshal
def read(n):
    data = b''
    while len(data) < n:
        chunk = os.read(0, n - len(data))
        if not chunk:
            sys.exit('wherry: stdin was closed before the runner had arrived')
        data += chunk
    return data
payload = marshal.loads(zlib.decompress(read(int(read(8), 16))))
space = {'__name__': 'wherry_runner.bundled'}
exec(compile(payload['boot'], '<wherry>/bundled.py', 'exec'), space)
space['start'](payload)
"""

# marshal's version 2 is read by every Python 3, strings and bytes included.
_MARSHAL_VERSION = 2


def payload(nonce: str) -> bytes:
    """Return what is written to a new interpreter's stdin before the first frame."""
    block = zlib.compress(
        marshal.dumps(
            {
                "nonce": nonce,
                "magic": importlib.util.MAGIC_NUMBER,
                "boot": _modules()[f"{_PACKAGE}.bundled"][1],
                "modules": _modules(),
            },
            _MARSHAL_VERSION,
        ),
        1,
    )
    return b"%08x" % len(block) + block


@functools.cache
def _modules() -> dict[str, tuple[bool, str, bytes]]:
    """Return package flag, source and compiled code of each module, read once in a process."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_PACKAGE)
    root = Path(spec.origin).parent
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = (_PACKAGE, *path.relative_to(root).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = (is_package, path.read_text("utf-8"), marshal.dumps(_code(name, path)))
    return modules


def _code(name: str, path: Path) -> CodeType | None:
    """Return the module's code, from its .pyc where there is one."""
    from importlib.machinery import SourceFileLoader

    loader = cast("InspectLoader", SourceFileLoader(name, str(path)))
    return loader.get_code(name)
