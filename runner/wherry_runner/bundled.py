"""Makes this package importable in an interpreter where it is not installed.

The supervisor sends this module's source first and calls `start` with the payload: a nonce and the
sources of all modules, with compiled code beside them for interpreters of the sender's own version.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any, Dict, Optional, Sequence, Tuple

    #: For each module: whether it is a package, its source, its compiled code.
    Modules = Dict[str, Tuple[bool, str, Optional[bytes]]]


class Bundle(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finder and loader of the modules that came in the payload; others are left alone."""

    def __init__(self, modules: Modules, magic: bytes) -> None:
        self._modules = modules
        self._compiled = magic == importlib.util.MAGIC_NUMBER

    def find_spec(
        self,
        fullname: str,
        _path: Optional[Sequence[str]] = None,
        _target: Optional[ModuleType] = None,
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname not in self._modules:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, origin="<wherry>", is_package=self._modules[fullname][0]
        )

    def is_package(self, fullname: str) -> bool:
        return self._modules[fullname][0]

    def get_source(self, fullname: str) -> str:
        """Read by linecache, so that a traceback through us shows its lines."""
        return self._modules[fullname][1]

    def get_code(self, fullname: str) -> CodeType:
        _, source, code = self._modules[fullname]
        if code is not None and self._compiled:
            return marshal.loads(code)  # type: ignore[no-any-return]  # noqa: S302 - sent by our parent
        return compile(source, "<wherry>/" + fullname.replace(".", "/") + ".py", "exec")


def start(payload: Dict[str, Any], nonce: str) -> None:
    """Import the guardian from the payload and run it; returns when it has ended."""
    sys.meta_path.insert(0, Bundle(payload["modules"], payload["magic"]))
    from wherry_runner import main

    main.run(nonce)
