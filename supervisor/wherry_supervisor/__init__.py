"""One runner process from outside: launch, limits, interrupts, deaths in words, restarts.

runner = Runner(LocalLauncher(), on_frame=print)
await runner.start()
outcome = await runner.execute("1 + 1")
await runner.close()
"""

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
