"""The life of a `Runner` handle: its states, what may happen in each, and what follows. Pure.

The rules, which the table below spells out:

1. The handle outlives its workers. A worker that dies, for whatever reason, is replaced: every
   state that has a worker goes to RESTARTING on DIED, and READY of the replacement gives IDLE.
2. One thing runs at a time. EXECUTE is legal in IDLE only; who wants more keeps a queue.
3. An execution ends in exactly one of two ways: DONE, or DIED. An interrupt does not end it; it
   only changes what the owner is waiting for. A second INTERRUPT is the next step of the ladder
   and stays in INTERRUPTING; a step that kills is seen as DIED.
4. GIVE_UP means that there is no worker and that no more attempts are made unasked: the launch
   failed, or replacements keep dying. FAILED is left by START, RESTART or CLOSE.
5. RESTART is legal wherever a process is or was wanted, and twice. NEW knows START only.
6. A late fact is no error. DONE may already be in the pipe when a restart or a close is asked
   for; READY, DIED and GIVE_UP may come while closing. They are taken and change nothing. READY
   of a worker that RESTART has doomed must not be reported: its owner compares the pids.
7. CLOSE is legal everywhere, and twice. CLOSED is final: who wants more makes a new handle.

`docs/architecture.md` shows `diagram()`, and a test fails when the two differ.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(enum.Enum):
    """What is true of the handle now."""

    NEW = "new"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    INTERRUPTING = "interrupting"
    RESTARTING = "restarting"
    FAILED = "failed"
    CLOSING = "closing"
    CLOSED = "closed"


class Event(enum.Enum):
    """What was asked of the handle, or what its worker was seen to do."""

    START = "start"
    READY = "ready"
    EXECUTE = "execute"
    DONE = "done"
    INTERRUPT = "interrupt"
    DIED = "died"
    RESTART = "restart"
    GIVE_UP = "give_up"
    CLOSE = "close"
    CLOSED = "closed"


_TABLE: Mapping[State, Mapping[Event, State]] = {
    State.NEW: {
        Event.START: State.STARTING,
        Event.CLOSE: State.CLOSED,
    },
    State.STARTING: {
        Event.READY: State.IDLE,
        Event.DIED: State.RESTARTING,
        Event.RESTART: State.RESTARTING,
        Event.GIVE_UP: State.FAILED,
        Event.CLOSE: State.CLOSING,
    },
    State.IDLE: {
        Event.EXECUTE: State.BUSY,
        Event.DIED: State.RESTARTING,
        Event.RESTART: State.RESTARTING,
        Event.CLOSE: State.CLOSING,
    },
    State.BUSY: {
        Event.DONE: State.IDLE,
        Event.INTERRUPT: State.INTERRUPTING,
        Event.DIED: State.RESTARTING,
        Event.RESTART: State.RESTARTING,
        Event.CLOSE: State.CLOSING,
    },
    State.INTERRUPTING: {
        Event.DONE: State.IDLE,
        Event.INTERRUPT: State.INTERRUPTING,
        Event.DIED: State.RESTARTING,
        Event.RESTART: State.RESTARTING,
        Event.CLOSE: State.CLOSING,
    },
    State.RESTARTING: {
        Event.READY: State.IDLE,
        Event.DONE: State.RESTARTING,
        Event.DIED: State.RESTARTING,
        Event.RESTART: State.RESTARTING,
        Event.GIVE_UP: State.FAILED,
        Event.CLOSE: State.CLOSING,
    },
    State.FAILED: {
        Event.START: State.STARTING,
        Event.RESTART: State.RESTARTING,
        Event.CLOSE: State.CLOSING,
    },
    State.CLOSING: {
        Event.READY: State.CLOSING,
        Event.DONE: State.CLOSING,
        Event.DIED: State.CLOSING,
        Event.GIVE_UP: State.CLOSING,
        Event.CLOSE: State.CLOSING,
        Event.CLOSED: State.CLOSED,
    },
    State.CLOSED: {
        Event.CLOSE: State.CLOSED,
    },
}

TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {(source, event): target for source, row in _TABLE.items() for event, target in row.items()}
)


class InvalidTransition(Exception):
    """The owner reported an event that its state excludes: a defect of ours, never the user's."""

    def __init__(self, state: State, event: Event) -> None:
        self.state = state
        self.event = event
        self.allowed = allowed(state)
        names = ", ".join(sorted(each.name for each in self.allowed))
        super().__init__(f"found {event.name} in state {state.name}, expected one of: {names}")


def advance(state: State, event: Event) -> State:
    """Return the state that follows, or raise `InvalidTransition`."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise InvalidTransition(state, event) from None


def allowed(state: State) -> frozenset[Event]:
    """Return the events that may be reported in `state`."""
    return frozenset(_TABLE[state])


def diagram() -> str:
    """Return the table as a Mermaid state diagram; events with the same ends share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (source, event), target in TRANSITIONS.items():
        arrows.setdefault((source, target), []).append(event.name)
    lines = ["stateDiagram-v2", f"    [*] --> {State.NEW.name}"]
    lines += [
        f"    {source.name} --> {target.name}: {', '.join(events)}"
        for (source, target), events in arrows.items()
    ]
    lines.append(f"    {State.CLOSED.name} --> [*]")
    return "\n".join(lines) + "\n"
