"""The lifecycle table: named histories first, then the properties of the whole table."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry_supervisor.lifecycle import (
    TRANSITIONS,
    Event,
    InvalidTransition,
    State,
    advance,
    allowed,
    diagram,
)

HISTORIES = {
    "a cell runs": ("START READY EXECUTE DONE", State.IDLE),
    "an interrupt that is answered": ("START READY EXECUTE INTERRUPT DONE", State.IDLE),
    "three presses and a kill": (
        "START READY EXECUTE INTERRUPT INTERRUPT INTERRUPT DIED READY",
        State.IDLE,
    ),
    "a death while nothing runs": ("START READY DIED READY EXECUTE", State.BUSY),
    "a restart asked for while busy": ("START READY EXECUTE RESTART DONE DIED READY", State.IDLE),
    "a restart while starting": ("START RESTART DIED READY", State.IDLE),
    "an interpreter that cannot start": ("START GIVE_UP", State.FAILED),
    "a second attempt after a failure": ("START GIVE_UP START READY", State.IDLE),
    "replacements that keep dying": ("START READY DIED DIED DIED GIVE_UP", State.FAILED),
    "a close before the start": ("CLOSE", State.CLOSED),
    "a close while busy": ("START READY EXECUTE CLOSE DONE DIED CLOSED", State.CLOSED),
    "a close while starting": ("START CLOSE READY CLOSED", State.CLOSED),
    "two closes": ("START READY CLOSE CLOSE CLOSED CLOSE", State.CLOSED),
}


def walk(events: str) -> State:
    return reduce(advance, (Event[name] for name in events.split()), State.NEW)


def reachable(start: State) -> set[State]:
    found, pending = {start}, [start]
    while pending:
        here = pending.pop()
        for (source, _), target in TRANSITIONS.items():
            if source is here and target not in found:
                found.add(target)
                pending.append(target)
    return found


@pytest.mark.parametrize("events, end", HISTORIES.values(), ids=HISTORIES)
def test_a_history_ends_where_it_should(events: str, end: State) -> None:
    assert walk(events) is end


def test_every_state_can_be_reached() -> None:
    assert reachable(State.NEW) == set(State)


def test_every_event_is_used() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


@pytest.mark.parametrize("state", State)
def test_every_state_leads_to_closed(state: State) -> None:
    assert State.CLOSED in reachable(state)


@pytest.mark.parametrize("state", State)
def test_close_is_legal_in_every_state(state: State) -> None:
    assert advance(state, Event.CLOSE) in {State.CLOSING, State.CLOSED}


def test_nothing_leaves_closed() -> None:
    assert reachable(State.CLOSED) == {State.CLOSED}


@pytest.mark.parametrize("state", set(State) - {State.IDLE})
def test_only_an_idle_runner_takes_code(state: State) -> None:
    with pytest.raises(InvalidTransition):
        advance(state, Event.EXECUTE)


def test_an_illegal_step_names_state_event_and_what_was_allowed() -> None:
    with pytest.raises(InvalidTransition) as caught:
        advance(State.NEW, Event.DONE)
    assert str(caught.value) == "found DONE in state NEW, expected one of: CLOSE, START"
    assert caught.value.allowed == {Event.START, Event.CLOSE}
    assert (caught.value.state, caught.value.event) == (State.NEW, Event.DONE)


@given(st.lists(st.sampled_from(list(Event)), max_size=60))
def test_a_random_walk_moves_along_the_table_or_is_refused(events: list[Event]) -> None:
    state = State.NEW
    for event in events:
        if event in allowed(state):
            state = advance(state, event)
        else:
            with pytest.raises(InvalidTransition):
                advance(state, event)


@given(st.data())
def test_executions_and_their_ends_alternate(data: st.DataObject) -> None:
    """Between two EXECUTE there is always a DONE that counts, a DIED or a RESTART."""
    state, running = State.NEW, False
    for _ in range(40):
        events = sorted(allowed(state), key=lambda event: event.name)
        event = data.draw(st.sampled_from(events))
        state = advance(state, event)
        if event is Event.EXECUTE:
            assert not running
            running = True
        elif event in {Event.DONE, Event.DIED, Event.RESTART}:
            running = False
        if state in {State.BUSY, State.INTERRUPTING}:
            assert running


def test_the_diagram_has_every_transition_and_nothing_else() -> None:
    drawn = set()
    for line in diagram().splitlines()[2:-1]:
        ends, _, events = line.strip().partition(": ")
        source, _, target = ends.partition(" --> ")
        for name in events.split(", "):
            drawn.add(((State[source], Event[name]), State[target]))
    assert drawn == set(TRANSITIONS.items())


def test_the_diagram_begins_and_ends_where_the_life_does() -> None:
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert lines[1].strip() == "[*] --> NEW"
    assert lines[-1].strip() == "CLOSED --> [*]"
