"""What completion finds outside of memory: modules that can be imported, and files."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple


def module_names(package: str) -> List[str]:
    """Return the importable modules, top-level ones or those of `package`; imports nothing."""
    import pkgutil

    folders = _folders(package)
    if folders == []:
        return []
    found = {module.name for module in pkgutil.iter_modules(folders)}
    if not package:
        found.update(sys.builtin_module_names)
        found.update(name for name in list(sys.modules) if "." not in name)
    return sorted(name for name in found if name.isidentifier())


def _folders(package: str) -> Optional[List[str]]:
    """Return where the modules of `package` lie; None stands for ``sys.path``."""
    from importlib.machinery import PathFinder

    folders: Any = None
    loaded = sys.modules.get(package)
    if loaded is not None:
        return list(getattr(loaded, "__path__", ()))
    for part in _prefixes(package):
        try:
            spec = PathFinder.find_spec(part, folders)
        except (ImportError, ValueError):
            return []
        folders = list((spec and spec.submodule_search_locations) or ())
        if not folders:
            return []
    return folders  # type: ignore[no-any-return]


def _prefixes(package: str) -> List[str]:
    parts = package.split(".") if package else []
    return [".".join(parts[: index + 1]) for index in range(len(parts))]


def names_in_module(module: str) -> List[Tuple[str, str]]:
    """Return what ``from module import`` can name: attributes if it is loaded, and submodules."""
    from wherry_runner.plain.lookup import attributes, kind_of

    found = [(name, "module") for name in module_names(module)] if module else []
    loaded = sys.modules.get(module)
    if loaded is not None:
        own = vars(type(loaded))
        found += [(n, kind_of(loaded, n)) for n in attributes(loaded) if n not in own]
    return found


def paths(typed: str, start: int) -> Tuple[int, List[Tuple[str, str]]]:
    """Return where the last part of the path begins and the files that could stand there."""
    folder, _, name = typed.rpartition("/")
    where = os.path.expanduser(folder + "/" if "/" in typed else ".")
    try:
        with os.scandir(where) as entries:
            found = [entry.name + ("/" if entry.is_dir() else "") for entry in entries]
    except (OSError, ValueError):
        found = []
    if not name.startswith("."):
        found = [each for each in found if not each.startswith(".")]
    return start + len(typed) - len(name), [(each, "path") for each in found]
