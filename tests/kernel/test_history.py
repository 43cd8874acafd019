"""The history, in memory and in a file."""

from __future__ import annotations

import sqlite3

import pytest

from wherry_kernel.history import History
from wherry_kernel.wire.history import read


def ask(history, access, **members):
    return history.answer(read({"hist_access_type": access, **members}))


@pytest.fixture
def history():
    made = History()
    for line, code in enumerate(["a = 1", "b\n", "a = 1", "print(2)"], 1):
        made.record(line, code)
    made.record_output(2, "'B'")
    yield made
    made.close()


def test_the_tail_is_oldest_first(history):
    assert ask(history, "tail", n=2) == [(1, 3, "a = 1"), (1, 4, "print(2)")]


def test_a_tail_of_none_is_ten(history):
    for line in range(5, 30):
        history.record(line, f"x{line}")
    assert len(ask(history, "tail")) == 10


@pytest.mark.parametrize("n", [0, -3])
def test_a_tail_of_nothing_is_empty(history, n):
    assert ask(history, "tail", n=n) == []


def test_outputs_come_with_their_inputs(history):
    assert ask(history, "tail", n=3, output=True)[0] == (1, 2, ("b", "'B'"))
    assert ask(history, "range", start=1, output=True)[:2] == [
        (0, 1, ("a = 1", None)),
        (0, 2, ("b", "'B'")),
    ]


def test_ranges_count_as_ipython_does(history):
    assert [e[1] for e in ask(history, "range", start=1, stop=3)] == [1, 2]
    assert [e[1] for e in ask(history, "range", start=-2)] == [3, 4]
    assert [e[1] for e in ask(history, "range", start=1, stop=-1)] == [1, 2, 3]
    assert ask(history, "range")[0] == (0, 0, "")


def test_a_range_by_the_number_of_the_session(history):
    assert ask(history, "range", session=1, start=2, stop=4) == [(1, 2, "b"), (1, 3, "a = 1")]


def test_a_range_of_an_unknown_session_is_empty(history):
    assert ask(history, "range", session=77) == []
    assert ask(history, "range", session=-5) == []


def test_a_search_is_a_glob(history):
    assert [e[1] for e in ask(history, "search", pattern="a*")] == [1, 3]
    assert [e[1] for e in ask(history, "search", pattern="print(?)")] == [4]


def test_a_search_for_n_gives_the_latest(history):
    assert [e[1] for e in ask(history, "search", pattern="*", n=2)] == [3, 4]


def test_a_unique_search_keeps_the_latest_of_equals(history):
    assert [e[1] for e in ask(history, "search", pattern="*", unique=True)] == [2, 3, 4]
    assert [e[1] for e in ask(history, "search", pattern="a*", unique=True, n=5)] == [3]


def test_an_unknown_access_is_empty(history):
    assert ask(history, "sideways") == []


@pytest.mark.parametrize("code", ["exit", "quit()", "  exit() ", "exit(0);"])
def test_leaving_is_not_remembered(history, code):
    history.record(9, code)
    assert ask(history, "tail", n=1) == [(1, 4, "print(2)")]


def test_lone_surrogates_are_stored(history):
    history.record(9, "'\ud800'")
    assert ask(history, "tail", n=1) == [(1, 9, "'?'")]


def test_what_was_asked_can_be_asked_again(history):
    assert ask(history, "tail") == ask(history, "tail")
    history.record(5, "later")
    assert ask(history, "tail", n=1) == [(1, 5, "later")]


def test_a_file_keeps_sessions(tmp_path):
    path = str(tmp_path / "h.sqlite")
    for code in ("first", "second"):
        history = History(path)
        assert history.is_kept
        history.record(1, code)
        history.save()
        history.close()
        history.close()
    history = History(path)
    history.record(1, "third")
    assert [(e[0], e[2]) for e in ask(history, "tail", n=3)] == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]
    assert ask(history, "range", session=-1) == [(2, 1, "second")]
    history.close()
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT num_cmds FROM sessions").fetchall()
    database.close()
    assert rows == [(1,), (1,), (1,)]


def test_ipython_reads_the_file(tmp_path):
    from IPython.core.history import HistoryAccessor

    path = tmp_path / "h.sqlite"
    history = History(str(path))
    history.record(1, "from wherry")
    history.close()
    accessor = HistoryAccessor(hist_file=str(path))
    assert list(accessor.get_tail(1, include_latest=True)) == [(1, 1, "from wherry")]
    accessor.db.close()


def test_a_file_that_cannot_be_written_is_logged_and_memory_goes_on(tmp_path, caplog):
    history = History(str(tmp_path / "no" / "such" / "folder.sqlite"))
    history.record(1, "kept")
    history.save()
    assert "not saved" in caplog.text
    assert not history.is_kept
    assert ask(history, "tail", n=1) == [(1, 1, "kept")]
    history.close()


def test_without_questions_no_database_is_opened(tmp_path):
    history = History()
    history.record(1, "x")
    history.close()
    assert history._database is None
