"""The program: command line and files to options, sockets, signals, and one `Kernel`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from wherry_kernel import arguments, config_files, connection, orphans
from wherry_kernel.errors import KernelError
from wherry_kernel.history import History
from wherry_kernel.kernel import Kernel
from wherry_kernel.options import SETTINGS, Options, from_settings
from wherry_kernel.parent_watch import ParentWatch, wanted_parent
from wherry_kernel.restarts import Restarts, inherited
from wherry_kernel.sockets import Sockets
from wherry_kernel.wire.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherry_kernel.prelaunch import Prelaunched
    from wherry_runner.frames import Frame
    from wherry_supervisor import Limits, Runner
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


def main(words: Sequence[str], started: Prelaunched | None = None) -> int:
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
            return inprocess.run(words)
        return _listen(parsed, options, started)
    except KernelError as error:
        print(f"wherry_kernel: {error}", file=sys.stderr)  # noqa: T201 - to whoever started us
        return 1


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


def _listen(parsed: arguments.Arguments, options: Options, started: Prelaunched | None) -> int:
    path = connection.locate(
        parsed.connection_file or f"kernel-{os.getpid()}.json",
        connection.runtime_directory(os.environ),
    )
    is_ours = not path.exists()
    wanted = (
        connection.new(transport=parsed.transport, ip=parsed.ip, ports=parsed.ports)
        if is_ours
        else connection.read(path)
    )
    sockets = Sockets(wanted)
    try:
        bound = sockets.bind()
        if bound != wanted or is_ours:
            connection.write(path, bound)
        if parsed.connection_file is None:
            print(f"To connect a client to this kernel: --existing {path.name}", file=sys.stderr)  # noqa: T201
        restarts = _restarts(parsed, options)
        return asyncio.run(_serve(options, sockets, bound, started, restarts))
    finally:
        sockets.close()
        orphans.end_all()
        if is_ours:
            path.unlink(missing_ok=True)


async def _serve(
    options: Options,
    sockets: Sockets,
    bound: connection.Connection,
    started: Prelaunched | None,
    restarts: Restarts,
) -> int:
    loop = asyncio.get_running_loop()
    if started is not None and started.python != options.python:
        started.discard()
        started = None
    from wherry_supervisor import Limits

    limits = Limits(
        time=options.time_limit, memory=options.memory_limit, output=options.output_limit
    )
    kernel = Kernel(
        options,
        codec=Codec(bound.key.encode(), bound.scheme, username=os.environ.get("USER", "")),
        channels=sockets,
        history=History(options.history_file),
        ports=bound.ports,
        limits=limits,
        make_runner=_runner_maker(options, limits),
        launched=started.adopt() if started is not None else None,
        restarts=restarts,
    )
    for number, action in ((signal.SIGINT, kernel.interrupt), (signal.SIGTERM, kernel.stop)):
        loop.add_signal_handler(number, action)
    watch = _watch_parent(loop, kernel)
    sockets.attach(loop, on_message=kernel.on_message, on_subscribe=kernel.on_subscribe)
    # ctypes takes 8 ms to import, and nothing can be orphaned before the first cell.
    loop.call_later(1.0, orphans.adopt)
    try:
        return await kernel.run()
    finally:
        if watch is not None:
            watch.close()


def _runner_maker(
    options: Options, limits: Limits
) -> Callable[[Callable[[Frame], None], Callable[[State], None]], Runner]:
    from wherry_supervisor import Ladder, LocalLauncher, Runner

    def make(on_frame: Callable[[Frame], None], on_state: Callable[[State], None]) -> Runner:
        return Runner(
            LocalLauncher(options.python),
            on_frame=on_frame,
            on_state=on_state,
            limits=limits,
            ladder=Ladder(
                hard_after=options.interrupt_hard_after, kill_after=options.interrupt_kill_after
            ),
            spare=options.spare,
            host=options.host,
        )

    return make


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
