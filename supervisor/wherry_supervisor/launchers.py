"""How a runner is started. One shape is enough: a command whose stdin and stdout reach a Python.

`LocalLauncher` runs an interpreter of this machine, `CommandLauncher` puts any command in front of
one: ``ssh host``, ``docker exec -i name``, ``srun``, ``bwrap ...``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wherry_supervisor.boot import BOOT, begin, new_nonce
from wherry_supervisor.bundle import payload
from wherry_supervisor.errors import LaunchError
from wherry_supervisor.process import Child

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Launched:
    """A process that will say hello with `nonce`."""

    child: Child
    nonce: str
    #: Stands in its descendants' environment; None when they are on another machine.
    cookie: str | None


class Launcher(Protocol):
    """Starts one guardian each time it is asked. Called again after the guardian is lost."""

    @property
    def start_timeout(self) -> float:
        """Seconds until the runner must have said hello, and again until it must be ready."""
        ...

    @property
    def command(self) -> Sequence[str]:
        """What is executed; for messages to people."""
        ...

    def launch(self, host: str = "auto") -> Launched:
        """Start the process and send it the runner. Does not wait.

        `host` is the shell that will be asked for, so that it is imported at once.

        Raises:
            LaunchError: The command cannot be executed.
        """
        ...


def _launch(
    command: Sequence[str],
    host: str,
    *,
    env: Mapping[str, str] | None,
    cwd: str | None,
    local: bool,
) -> Launched:
    nonce = new_nonce()
    try:
        process = begin(command, nonce, env=env, cwd=cwd)
    except FileNotFoundError as error:
        missing = cwd if cwd is not None and not Path(cwd).is_dir() else command[0]
        raise LaunchError(command, f"{missing} does not exist") from error
    except OSError as error:
        raise LaunchError(command, f"{error.strerror or error}") from error
    return adopt(process, nonce, payload(nonce, host, local=local), local=local)


def adopt(
    process: subprocess.Popen[bytes], nonce: str, rest: bytes, *, local: bool = True
) -> Launched:
    """Take over a process that `boot.begin` has started; `rest` of the payload is still to send."""
    child = Child(process)
    if rest:
        child.write(rest)
    return Launched(child, nonce, nonce if local else None)


@dataclass(frozen=True)
class LocalLauncher:
    """An interpreter on this machine; our own when `python` is None."""

    python: str | os.PathLike[str] | None = None
    env: Mapping[str, str] | None = None
    cwd: str | None = None
    start_timeout: float = 30.0

    @property
    def command(self) -> Sequence[str]:
        """The interpreter and the boot program."""
        return (os.fspath(self.python or sys.executable), "-c", BOOT)

    def launch(self, host: str = "auto") -> Launched:
        """Start the interpreter."""
        return _launch(self.command, host, env=self.env, cwd=self.cwd, local=True)


@dataclass(frozen=True)
class CommandLauncher:
    """Any command that runs its last arguments with our pipes as stdin and stdout."""

    prefix: Sequence[str]
    python: str = "python3"
    #: The command hands its arguments to a shell, as ssh does, so they must be quoted for it.
    #: None: yes for ssh, no for others.
    quoted: bool | None = None
    env: Mapping[str, str] | None = field(default=None)
    #: Remote ends take longer to answer.
    start_timeout: float = 60.0

    @property
    def command(self) -> Sequence[str]:
        """The prefix, the interpreter and the boot program."""
        inner = [self.python, "-c", BOOT]
        quoted = self.quoted
        if quoted is None:
            quoted = Path(self.prefix[0]).name == "ssh"
        return (*self.prefix, *([shlex.quote(word) for word in inner] if quoted else inner))

    def launch(self, host: str = "auto") -> Launched:
        """Start the command.

        Raises:
            LaunchError: Its program is not to be found.
        """
        if shutil.which(self.prefix[0]) is None:
            raise LaunchError(self.command, f"the command {self.prefix[0]!r} was not found")
        return _launch(self.command, host, env=self.env, cwd=None, local=False)
