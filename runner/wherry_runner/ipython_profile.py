"""What a person set up for their IPython: configuration, extensions, startup files.

Where there is nothing set up, all of this costs a few looks at the disk. Configuration is read when
a shell is made, which for a worker that waits in reserve is long before it is needed; what runs
code of the user's (`run_startup`) comes when the worker is put to use.
"""

# IPython ships annotations for a part of its functions only.
# mypy: disable-error-code="no-untyped-call, misc, unused-ignore"

from __future__ import annotations

import logging
import os
import sys
import traceback

from IPython.core.application import (
    ENV_CONFIG_DIRS,
    SYSTEM_CONFIG_DIRS,
    ProfileAwareConfigLoader,
)
from IPython.core.profiledir import ProfileDir, ProfileDirError
from IPython.paths import get_ipython_dir
from traitlets.config import Config
from traitlets.config.loader import JSONFileConfigLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Dict, List, Optional

#: The second is where ipykernel's users keep what is for kernels only.
_FILES = ("ipython_config", "ipython_kernel_config")

#: Sections that ask for something to be run.
_SECTIONS = ("InteractiveShellApp", "IPKernelApp")


class Profile:
    """One IPython profile; `name` None is the default one. A missing one is made, as by IPython."""

    def __init__(self, name: Optional[str] = None) -> None:
        ipython_dir = get_ipython_dir()
        try:
            self.folder = ProfileDir.find_profile_dir_by_name(ipython_dir, name or "default")
        except ProfileDirError:
            self.folder = ProfileDir.create_profile_dir_by_name(ipython_dir, name or "default")
        #: What went wrong, for the person to read.
        self.problems: List[str] = []
        self._stamps: Dict[str, int] = {}

    def load(self) -> Config:
        """Return the configuration of all files, the profile's own winning."""
        config = Config()
        self._stamps = self._look()
        for path in self._stamps:
            try:
                config.merge(_load(path))
            except Exception:  # noqa: BLE001 - the user's Python; the other files still count
                self.problems.append(f"The configuration file {path} failed:\n{_last_traceback()}")
        return config

    def has_changed(self) -> bool:
        """Files came, went or changed since `load`."""
        return self._look() != self._stamps

    def run_startup(self, shell: Any) -> None:
        """Load extensions, run startup files, lines and files. Never raises."""
        try:
            if self._asks_for_nothing(shell.config):
                shell.extension_manager.load_extension("storemagic")
            else:
                _startup(shell, self.folder, self.problems)
        except BaseException:  # noqa: BLE001 - sys.exit() in a startup file, for example
            self.problems.append(f"IPython's start failed:\n{_last_traceback()}")

    def _asks_for_nothing(self, config: Config) -> bool:
        if os.environ.get("PYTHONSTARTUP") or any(config.get(name) for name in _SECTIONS):
            return False
        return not any(_has_code(os.path.join(folder, "startup")) for folder in self._folders())

    def _folders(self) -> List[str]:
        """Folders of configuration, the least important first."""
        return [*SYSTEM_CONFIG_DIRS[::-1], *ENV_CONFIG_DIRS[::-1], self.folder.location]

    def _look(self) -> Dict[str, int]:
        found = {}
        for name in _FILES:
            for folder in self._folders():
                for suffix in (".py", ".json"):
                    path = os.path.join(folder, name + suffix)
                    try:
                        found[path] = os.stat(path).st_mtime_ns
                    except OSError:
                        continue
        return found


def _load(path: str) -> Any:
    folder, name = os.path.split(path)
    loader = JSONFileConfigLoader if name.endswith(".json") else ProfileAwareConfigLoader
    return loader(name, folder).load_config()


def _has_code(folder: str) -> bool:
    try:
        return any(name.endswith((".py", ".ipy")) for name in os.listdir(folder))
    except OSError:
        return False


def _startup(shell: Any, folder: ProfileDir, problems: List[str]) -> None:
    """IPython's own start, as ipykernel has it. Imported here: few have anything to run."""
    from IPython.core.shellapp import InteractiveShellApp

    class IPKernelApp(InteractiveShellApp):
        """Named so that this section of people's configuration is found."""

        extra_args: ClassVar[List[str]] = []
        ipython_dir = shell.ipython_dir
        profile_dir = folder
        log = logging.getLogger("wherry.startup")

    handler = _Keep(problems)
    IPKernelApp.log.addHandler(handler)
    IPKernelApp.log.propagate = False
    shell.problems = problems
    try:
        app = IPKernelApp(config=shell.config, shell=shell)
        app.init_gui_pylab()
        app.init_extensions()
        app.init_code()
    finally:
        shell.problems = None
        IPKernelApp.log.removeHandler(handler)


class _Keep(logging.Handler):
    """Keeps warnings for the first cell."""

    def __init__(self, problems: List[str]) -> None:
        super().__init__(logging.WARNING)
        self._problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        reason = "" if error is None else f"\n{type(error).__name__}: {error}"
        self._problems.append(record.getMessage() + reason)


def _last_traceback() -> str:
    etype, value, tb = sys.exc_info()
    return "".join(traceback.format_exception(etype, value, tb)[-3:]).rstrip()
