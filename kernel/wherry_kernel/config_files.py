"""Settings from files: ``jupyter_wherry_config.py`` and ``.json`` on Jupyter's config path.

The files are looked for with a handful of `stat` calls. Only when there is one, traitlets is
imported (36 ms) and reads it, with everything that people expect of such files
(``c.WherryKernel.time_limit = 60``, ``load_subconfig``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry_kernel.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = "jupyter_wherry_config"


def directories(environment: Mapping[str, str]) -> Iterator[Path]:
    """Jupyter's config path, least important first, as ``jupyter --paths`` shows it."""
    if os.name == "posix":
        yield from (Path("/etc/jupyter"), Path("/usr/local/etc/jupyter"))
    yield Path(sys.prefix, "etc", "jupyter")
    own = environment.get("JUPYTER_CONFIG_DIR")
    yield Path(own) if own else Path.home() / ".jupyter"
    extra = environment.get("JUPYTER_CONFIG_PATH", "")
    yield from (Path(each) for each in reversed(extra.split(os.pathsep)) if each)


def load(environment: Mapping[str, str], explicit: str | None = None) -> dict[str, Any]:
    """Return the `WherryKernel` settings of all files, the most important one winning.

    Raises:
        OptionError: A file fails; the message says which and how. A kernel that started without a
            memory limit that was written down would be worse than one that does not start.
    """
    files = [
        path
        for directory in directories(environment)
        for path in (directory / f"{NAME}.json", directory / f"{NAME}.py")
        if path.is_file()
    ]
    if explicit:
        files.append(Path(explicit))
    settings: dict[str, Any] = {}
    for path in files:
        settings.update(_read(path))
    return settings


def _read(path: Path) -> dict[str, Any]:
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

    loader = JSONFileConfigLoader if path.suffix == ".json" else PyFileConfigLoader
    try:
        config = loader(path.name, str(path.parent)).load_config()
    except Exception as error:  # the file is the user's Python and may raise anything
        raise OptionError(f"{path}: {type(error).__name__}: {error}") from error
    return dict(config.get("WherryKernel", {}))
