"""The history of inputs and outputs."""

from __future__ import annotations

import pytest


def ask(frontend, access, **members):
    content = {"hist_access_type": access, "output": False, "raw": True, **members}
    reply = frontend.ask("history_request", content)
    assert reply["status"] == "ok"
    return reply["history"]


@pytest.fixture
def told(frontend):
    """A kernel that has seen four inputs; returns the number of the first."""
    first = frontend.run("'history one'").reply["execution_count"]
    for code in ("'history two'", "'history one'", "history_x = 3"):
        frontend.run(code)
    return first


def test_the_tail_is_the_latest_oldest_first(frontend, told):
    tail = ask(frontend, "tail", n=3)
    assert [entry[2] for entry in tail] == ["'history two'", "'history one'", "history_x = 3"]
    assert [entry[1] for entry in tail] == [told + 1, told + 2, told + 3]


def test_the_tail_with_outputs_has_pairs(frontend, told):
    (entry,) = ask(frontend, "tail", n=1, output=True)
    assert entry[2] == ["history_x = 3", None]


def test_a_range_of_this_session(frontend, told):
    entries = ask(frontend, "range", session=0, start=told, stop=told + 2)
    assert entries == [[0, told, "'history one'"], [0, told + 1, "'history two'"]]


def test_a_range_with_outputs(frontend, told):
    (entry,) = ask(frontend, "range", session=0, start=told, stop=told + 1, output=True)
    assert entry == [0, told, ["'history one'", "'history one'"]]


def test_a_range_without_an_end_goes_on_to_the_latest(frontend, told):
    entries = ask(frontend, "range", session=0, start=told)
    assert [entry[2] for entry in entries][-1] == "history_x = 3"


def test_a_search_finds_by_pattern(frontend, told):
    found = ask(frontend, "search", pattern="*history t*", n=10)
    assert {entry[2] for entry in found} == {"'history two'"}


def test_a_search_finds_the_latest_n(frontend, told):
    found = ask(frontend, "search", pattern="*history one*", n=1)
    assert [entry[1] for entry in found] == [told + 2]


def test_a_unique_search_has_no_duplicates(frontend, told):
    found = ask(frontend, "search", pattern="'history*", n=10, unique=True)
    assert [entry[2] for entry in found] == ["'history two'", "'history one'"]


def test_sessions_have_real_numbers(frontend, told):
    numbers = {entry[0] for entry in ask(frontend, "tail", n=2)}
    assert len(numbers) == 1
    assert numbers.pop() >= 1


def test_what_is_not_stored_is_not_in_the_history(frontend, told):
    frontend.run("'not stored'", store_history=False)
    frontend.run("'silent'", silent=True)
    assert ask(frontend, "tail", n=1)[0][2] == "history_x = 3"
