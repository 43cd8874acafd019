"""More than one client at one kernel."""

from __future__ import annotations

import pytest


@pytest.fixture
def other(kernel):
    second = kernel.connect()
    kernel.frontend.forget()
    yield second
    second.close()


def test_both_see_the_outputs_and_only_the_asker_the_reply(frontend, other):
    id = frontend.execute("print('for all')")
    assert frontend.transcript(of=id).stdout == "for all\n"
    other.expect_busy(of=id)
    other.expect_input("print('for all')", of=id)
    other.expect_stdout("for all\n", of=id)
    other.expect_idle(of=id)
    assert not other.has_reply(of=id)


def test_the_question_goes_to_the_client_that_asked(frontend, other):
    id = other.execute("input('who? ')", allow_stdin=True)
    other.expect_question("who? ")
    assert not frontend.questions
    other.answer("me")
    assert other.transcript(of=id).results == ["'me'"]


def test_both_can_execute(frontend, other):
    mine = frontend.execute("'mine'")
    theirs = other.execute("'theirs'")
    assert frontend.transcript(of=mine).results == ["'mine'"]
    assert other.transcript(of=theirs).results == ["'theirs'"]


def test_an_error_aborts_the_other_clients_queued_cells_as_well(frontend, other):
    first = frontend.execute("import time; time.sleep(0.4); 1 / 0")
    frontend.expect_busy(of=first)
    second = other.execute("'never'")
    assert other.transcript(of=second).reply["status"] == "aborted"
    frontend.expect_reply("error", of=first)
