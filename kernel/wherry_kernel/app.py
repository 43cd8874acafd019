"""The program: command line and files to options, sockets, signals, and one `Kernel`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from wherry_kernel import arguments, config_files, orphans
from wherry_kernel.errors import KernelError
from wherry_kernel.history import History
from wherry_kernel.kernel import Kernel
from wherry_kernel.listening import Listening
from wherry_kernel.options import SETTINGS, Options, from_settings
from wherry_kernel.parent_watch import ParentWatch, wanted_parent
from wherry_kernel.restarts import Restarts, inherited
from wherry_kernel.wire.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from wherry_kernel.prelaunch import Prelaunched
    from wherry_runner.frames import Frame
    from wherry_supervisor import Launcher, Limits, Runner
    from wherry_supervisor.lifecycle import State

log = logging.getLogger("wherry.kernel")

#: Milliseconds: what one looks for in a log of this kernel is what took how long.
LOG_FORMAT = "[%(asctime)s.%(msecs)03d %(name)s %(levelname)s] %(message)s"

#: Seconds for exit handlers when our client was killed: nobody waits for what they save, and a
#: machine that is being shut down waits for nobody.
ORPHAN_GRACE = 0.3

USAGE = """\
usage: python -m wherry_kernel -f CONNECTION_FILE [--WherryKernel.NAME=VALUE ...]

  -f FILE          connection file; written when it does not exist
  --ip ADDRESS     with --transport, --shell, --iopub, --stdin, --control, --hb: where to listen
                   when there is no connection file
  --config FILE    one more configuration file
  --debug          log everything
  --version, --help
"""


def main(
    words: Sequence[str],
    started: Prelaunched | None = None,
    listening: Listening | None = None,
) -> int:
    """Run a kernel until it is shut down; returns the exit code."""
    parsed = arguments.parse(words)
    if parsed.help or parsed.version:
        _explain(parsed)
        return 0
    try:
        options = _options(parsed)
        logging.basicConfig(level=options.log_level, format=LOG_FORMAT, datefmt="%H:%M:%S")
        if parsed.ignored:
            log.info("these arguments are not for this kernel: %s", " ".join(parsed.ignored))
        if options.mode == "inprocess":
            from wherry_kernel import inprocess

            if started is not None:
                started.discard()
            if listening is not None:
                listening.close()
            return inprocess.run(words)
        listening = listening or Listening(parsed)
        restarts = _restarts(parsed, options)
        return asyncio.run(_serve(options, listening, started, restarts))
    except KernelError as error:
        print(f"wherry_kernel: {error}", file=sys.stderr)  # noqa: T201 - to whoever started us
        return 1
    finally:
        if listening is not None:
            listening.close()
        orphans.end_all()


def _options(parsed: arguments.Arguments) -> Options:
    settings = config_files.load(os.environ, parsed.config_file)
    return from_settings({**settings, **parsed.settings})


def _restarts(parsed: arguments.Arguments, options: Options) -> Restarts:
    """A restart reads the files again, and brings an upgrade of ours into use."""
    stamps = _stamps()

    def is_unchanged() -> bool:
        try:
            return _options(parsed) == options and _stamps() == stamps
        except (KernelError, OSError):
            return False  # a new process says what is wrong with them

    return Restarts(inherited(os.environ), is_unchanged=is_unchanged)


def _stamps() -> list[int]:
    modules = (sys.modules[name] for name in ("wherry_kernel", "wherry_supervisor"))
    return [os.stat(str(each.__file__)).st_mtime_ns for each in modules]  # noqa: PTH116


async def _serve(
    options: Options,
    listening: Listening,
    started: Prelaunched | None,
    restarts: Restarts,
) -> int:
    loop = asyncio.get_running_loop()
    sockets, bound = listening.sockets, listening.bound
    if started is not None and (started.python != options.python or options.launcher):
        started.discard()
        started = None
    from wherry_supervisor import Limits

    limits = Limits(
        time=options.time_limit,
        memory=options.memory_limit,
        memory_soft=options.memory_soft,
        output=options.output_limit,
    )
    kernel = Kernel(
        options,
        codec=Codec(bound.key.encode(), bound.scheme, username=os.environ.get("USER", "")),
        channels=sockets,
        history=History(options.history_file),
        ports=bound.ports,
        limits=limits,
        make_runner=_runner_maker(options, limits, listening.path),
        launched=started.adopt() if started is not None else None,
        restarts=restarts,
    )
    for number, action in ((signal.SIGINT, kernel.interrupt), (signal.SIGTERM, kernel.stop)):
        loop.add_signal_handler(number, action)
    watch = _watch_parent(loop, kernel)
    sockets.attach(loop, on_message=kernel.on_message, on_subscribe=kernel.on_subscribe)
    # ctypes takes 8 ms to import, and nothing can be orphaned before the first cell.
    loop.call_later(0.3, orphans.adopt)
    try:
        return await kernel.run()
    finally:
        if watch is not None:
            watch.close()


def _runner_maker(
    options: Options, limits: Limits, connection_file: Path
) -> Callable[[Callable[[Frame], None], Callable[[State], None]], Runner]:
    from wherry_supervisor import Ladder, Runner

    launcher = _launcher(options)
    for_host = {
        "connection_file": str(connection_file),
        "debugpy": _find_debugpy(),
        "profile": options.profile,
    }

    def make(on_frame: Callable[[Frame], None], on_state: Callable[[State], None]) -> Runner:
        return Runner(
            launcher,
            on_frame=on_frame,
            on_state=on_state,
            limits=limits,
            ladder=Ladder(
                hard_after=options.interrupt_hard_after, kill_after=options.interrupt_kill_after
            ),
            spare=options.spare,
            host=options.host,
            options=for_host,
        )

    return make


def _find_debugpy() -> str | None:
    """Our own copy, for interpreters that have none; it is taken only where this path exists."""
    spec = PathFinder.find_spec("debugpy")
    return os.path.dirname(spec.origin) if spec is not None and spec.origin else None  # noqa: PTH120


def _launcher(options: Options) -> Launcher:
    from wherry_supervisor import CommandLauncher, LocalLauncher

    if options.launcher is None:
        return LocalLauncher(options.python)
    import shlex

    return CommandLauncher(tuple(shlex.split(options.launcher)), options.python or "python3")


def _watch_parent(loop: asyncio.AbstractEventLoop, kernel: Kernel) -> ParentWatch | None:
    parent = wanted_parent(os.environ, os.getppid())
    if parent is None:
        return None
    watch = ParentWatch(loop, parent, on_death=lambda: kernel.stop(grace=ORPHAN_GRACE))
    watch.start()
    return watch


def _explain(parsed: arguments.Arguments) -> None:
    if parsed.version:
        from wherry_kernel import facts

        print(facts.version())  # noqa: T201 - what was asked for
        return
    print(USAGE)  # noqa: T201
    for name, setting in SETTINGS.items():
        default = "" if setting.default is None else f" (default: {setting.default})"
        print(f"  --WherryKernel.{name}=...{default}\n      {setting.metadata['help']}")  # noqa: T201
