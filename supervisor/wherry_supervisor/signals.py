"""Signal numbers and exit codes in plain words. Pure.

The numbers are written out here because a runner may live on another system than its supervisor,
and because Windows' `signal` module does not know most of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A signal for people: its name, what it is called, and what usually sends it."""

    name: str
    title: str
    meaning: str


#: Sent by a person or a program, itself included; the others come from what the process itself did.
FROM_OUTSIDE = frozenset({"SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGTERM", "SIGPWR"})

#: The same everywhere since Unix; what differs is in `_BY_PLATFORM`.
_COMMON = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    5: "SIGTRAP",
    6: "SIGABRT",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM",
    24: "SIGXCPU",
    25: "SIGXFSZ",
    26: "SIGVTALRM",
    27: "SIGPROF",
}
_BY_PLATFORM = {
    "linux": {
        7: "SIGBUS",
        10: "SIGUSR1",
        12: "SIGUSR2",
        16: "SIGSTKFLT",
        29: "SIGIO",
        30: "SIGPWR",
        31: "SIGSYS",
    },
    "darwin": {7: "SIGEMT", 10: "SIGBUS", 12: "SIGSYS", 30: "SIGUSR1", 31: "SIGUSR2"},
}
#: glibc keeps 32 and 33 for itself, so that SIGRTMIN of programs is 34.
_REAL_TIME = range(34, 65)

_WORDS = {
    "SIGSEGV": (
        "segmentation fault",
        "the process touched memory that is not its own, usually a bug in a C extension",
    ),
    "SIGABRT": (
        "abort",
        (
            "a library ended the process because it found something impossible "
            "(failed assertion, corrupted memory, uncaught C++ exception)"
        ),
    ),
    "SIGBUS": (
        "bus error",
        (
            "the process touched memory with nothing behind it, often a mapped file "
            "that was cut short or a full /dev/shm"
        ),
    ),
    "SIGFPE": (
        "arithmetic fault",
        "compiled code divided a whole number by zero or overflowed doing so",
    ),
    "SIGILL": (
        "illegal instruction",
        (
            "this processor does not know an instruction it was given; "
            "often a package built for a newer one"
        ),
    ),
    "SIGTRAP": ("trap", "compiled code stopped itself at a debugging trap"),
    "SIGSYS": (
        "forbidden system call",
        "a sandbox rule of this system refuses what the process asked for",
    ),
    "SIGKILL": (
        "killed",
        (
            "somebody sent SIGKILL: kill -9, a container, a batch system, the code itself, "
            "or an out-of-memory killer that left no trace"
        ),
    ),
    "SIGTERM": ("asked to end", "another program, a person or the code itself sent SIGTERM"),
    "SIGINT": (
        "interrupted",
        "SIGINT ended the process, so something had replaced Python's handler for it",
    ),
    "SIGHUP": ("hung up", "its terminal or connection was closed"),
    "SIGQUIT": ("told to quit", "another program, a person or the code itself sent SIGQUIT"),
    "SIGPWR": ("power failure", "the system announced that its power is failing"),
    "SIGXCPU": (
        "CPU time used up",
        "the operating system's limit on CPU time (ulimit -t) was reached",
    ),
    "SIGXFSZ": (
        "file too large",
        "a file grew above the operating system's limit (ulimit -f)",
    ),
    "SIGPIPE": ("broken pipe", "it wrote to a pipe or socket that nobody reads any more"),
    "SIGALRM": ("alarm", "an alarm that the code had set went off with no handler for it"),
    "SIGVTALRM": ("alarm", "a timer that the code had set went off with no handler for it"),
    "SIGPROF": ("profiling timer", "a profiler's timer went off with no handler for it"),
    "SIGSTKFLT": ("stack fault", "the processor reported a fault of the stack"),
}

#: Windows reports faults as exit codes. Written from its documentation, not tried.
_WINDOWS = {
    0xC0000005: ("access violation", _WORDS["SIGSEGV"][1]),
    0xC00000FD: ("stack overflow", "calls of compiled code went too deep"),
    0xC0000017: ("no memory", "the system could give no more memory"),
    0xC000001D: ("illegal instruction", _WORDS["SIGILL"][1]),
    0xC0000094: ("arithmetic fault", _WORDS["SIGFPE"][1]),
    0xC0000135: ("missing DLL", "a library that the interpreter needs was not found"),
    0xC000013A: ("interrupted", "Ctrl+C or a closed console ended the process"),
    0xC0000409: ("abort", _WORDS["SIGABRT"][1]),
}


def describe_signal(number: int, *, platform: str = "linux") -> Words:
    """Return words for any number, also for one that no system knows."""
    name = _COMMON.get(number) or _BY_PLATFORM.get(platform, {}).get(number)
    if name is None:
        return _describe_unnamed(number, platform)
    title, meaning = _WORDS.get(name, (name, "the process got a signal it had no handler for"))
    return Words(name, title, meaning)


def _describe_unnamed(number: int, platform: str) -> Words:
    if platform == "linux" and number in _REAL_TIME:
        offset = number - _REAL_TIME.start
        name = f"SIGRTMIN+{offset}" if offset else "SIGRTMIN"
        return Words(name, "real-time signal", "a program sent it, with no handler for it here")
    return Words(f"signal {number}", f"signal {number}", "the system has no name for this signal")


def describe_code(code: int, *, platform: str = "linux") -> tuple[str, str]:
    """Return what an exit code is called and what it hints at (empty when it hints at nothing)."""
    fault = _WINDOWS.get(code & 0xFFFFFFFF)
    if fault is not None:
        title, meaning = fault
        return f"{title} (exit code 0x{code & 0xFFFFFFFF:08X})", meaning
    return f"exit code {code}", _hint(code, platform)


def _hint(code: int, platform: str) -> str:
    if code == 0:
        return "code 0 means that it ended on purpose"
    number = code - 128
    if number in _COMMON or number in _BY_PLATFORM.get(platform, {}):
        words = describe_signal(number, platform=platform)
        return f"shells and containers say {code} for {words.name} ({words.title})"
    return ""
