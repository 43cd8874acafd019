"""Makes this package importable in an interpreter where it is not installed.

The supervisor sends this module's source first and calls `start` with the payload. On the sender's
own machine that names the folder of the package. For anywhere else it holds the sources of all
modules, with compiled code beside them for interpreters of the sender's own version.
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
    """Import the guardian and run it; returns when it has ended."""
    folder = payload.get("folder")
    if folder is None:
        sys.meta_path.insert(0, Bundle(payload["modules"], payload["magic"]))
    else:
        _import_from(folder)
    from wherry_runner import main

    main.run(nonce, payload["host"])


def _import_from(folder: str) -> None:
    """Make our package importable, and nothing that happens to lie beside it."""
    name = "wherry_runner"
    spec = importlib.util.spec_from_file_location(
        name, folder + "/__init__.py", submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(folder)
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
