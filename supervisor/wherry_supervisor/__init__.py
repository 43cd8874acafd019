"""One runner process from outside: launch, limits, interrupts, deaths in words, restarts.

.. code-block:: python

    runner = Runner(LocalLauncher(), on_frame=print)
    await runner.start()
    outcome = await runner.execute("1 + 1")
    await runner.close()

Names are imported when they are first used: a program that starts an interpreter wants to do that
before it imports asyncio.
"""

TYPE_CHECKING = False  # typing.TYPE_CHECKING without its import
if TYPE_CHECKING:
    from wherry_supervisor.errors import (
        EnvironmentNotFound,
        LaunchError,
        ProtocolMismatch,
        RunnerClosed,
        SupervisorError,
    )
    from wherry_supervisor.exits import CrashReport
    from wherry_supervisor.launchers import CommandLauncher, Launched, Launcher, LocalLauncher
    from wherry_supervisor.lifecycle import State
    from wherry_supervisor.outcomes import ErrorInfo, Ladder, Limits, Outcome, Status
    from wherry_supervisor.runner import Runner

_HOMES = {
    "CommandLauncher": "launchers",
    "CrashReport": "exits",
    "EnvironmentNotFound": "errors",
    "ErrorInfo": "outcomes",
    "Ladder": "outcomes",
    "LaunchError": "errors",
    "Launched": "launchers",
    "Launcher": "launchers",
    "Limits": "outcomes",
    "LocalLauncher": "launchers",
    "Outcome": "outcomes",
    "ProtocolMismatch": "errors",
    "Runner": "runner",
    "RunnerClosed": "errors",
    "State": "lifecycle",
    "Status": "outcomes",
    "SupervisorError": "errors",
}

__all__ = [
    "CommandLauncher",
    "CrashReport",
    "EnvironmentNotFound",
    "ErrorInfo",
    "Ladder",
    "LaunchError",
    "Launched",
    "Launcher",
    "Limits",
    "LocalLauncher",
    "Outcome",
    "ProtocolMismatch",
    "Runner",
    "RunnerClosed",
    "State",
    "Status",
    "SupervisorError",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
