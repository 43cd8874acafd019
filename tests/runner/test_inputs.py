"""input() and getpass(): answered, refused, interrupted; late answers change nothing."""

from __future__ import annotations

import pytest

from tests.notebook import Notebook
from wherry_runner import frames as f

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked(notebook: Notebook, code: str) -> tuple[object, f.InputRequest]:
    """Begin a cell and wait for its question."""
    before = len(notebook.log.of(f.InputRequest))
    cell = notebook.begin(code, allow_stdin=True)
    await notebook.log.until(lambda log: len(log.of(f.InputRequest)) > before)
    return cell, notebook.log.of(f.InputRequest)[-1]


async def test_a_question_is_answered(notebook: Notebook) -> None:
    cell, question = await asked(notebook, "name = input('Name? '); print('Hello', name)")
    assert (question.prompt, question.password) == ("Name? ", False)
    notebook.runner.reply_input(question.request, "Ada \U0001f6a3")
    assert (await cell).out == "Hello Ada \U0001f6a3\n"


async def test_output_before_a_question_comes_before_it(notebook: Notebook) -> None:
    cell, question = await asked(notebook, "print('before', end=''); input('?')")
    shown = [frame for frame in notebook.log.frames if isinstance(frame, f.Stdout | f.InputRequest)]
    assert [type(frame) for frame in shown] == [f.Stdout, f.InputRequest]
    notebook.runner.reply_input(question.request, "")
    assert (await cell).result == "''"


async def test_a_password_is_asked_for_as_one(notebook: Notebook) -> None:
    cell, question = await asked(notebook, "import getpass; getpass.getpass()")
    assert (question.prompt, question.password) == ("Password: ", True)
    notebook.runner.reply_input(question.request, "secret")
    assert (await cell).result == "'secret'"


async def test_two_questions_in_a_row(notebook: Notebook) -> None:
    cell, first = await asked(notebook, "[input('a'), input('b')]")
    notebook.runner.reply_input(first.request, "1")
    await notebook.log.until(lambda log: len(log.of(f.InputRequest)) == 2)
    notebook.runner.reply_input(notebook.log.of(f.InputRequest)[1].request, "2")
    assert (await cell).result == "['1', '2']"


async def test_a_client_that_does_not_answer_is_an_error_in_words(notebook: Notebook) -> None:
    ran = await notebook.run("input('Name? ')", allow_stdin=False)
    assert ran.status == "error"
    assert "frontend does not support input requests" in ran.traceback
    assert ran.ename == (
        "StdinNotImplementedError" if notebook.host == "ipython" else "RuntimeError"
    )
    assert notebook.log.of(f.InputRequest) == []


async def test_an_interrupt_ends_a_question(notebook: Notebook) -> None:
    cell, question = await asked(notebook, "input('?')")
    notebook.runner.interrupt()
    assert (await cell).ename == "KeyboardInterrupt"
    notebook.runner.reply_input(question.request, "late")
    assert (await notebook.run("1 + 1")).result == "2"


async def test_a_late_answer_is_not_taken_for_the_next_question(notebook: Notebook) -> None:
    cell, first = await asked(notebook, "input('first')")
    notebook.runner.interrupt()
    await cell
    cell, second = await asked(notebook, "input('second')")
    assert second.request != first.request
    notebook.runner.reply_input(first.request, "late")
    notebook.runner.reply_input("never asked", "?")
    notebook.runner.reply_input(second.request, "right")
    notebook.runner.reply_input(second.request, "twice")
    assert (await cell).result == "'right'"


async def test_a_thread_may_ask(notebook: Notebook) -> None:
    cell, question = await asked(
        notebook,
        """
        import threading
        answers = []
        thread = threading.Thread(target=lambda: answers.append(input("from a thread")))
        thread.start(); thread.join(); answers
        """,
    )
    notebook.runner.reply_input(question.request, "yes")
    assert (await cell).result == "['yes']"


async def test_a_question_is_answered_inside_a_coroutine(notebook: Notebook) -> None:
    cell, question = await asked(
        notebook, "import asyncio\nasync def ask(): return input('?')\nawait ask()"
    )
    notebook.runner.reply_input(question.request, "fine")
    assert (await cell).result == "'fine'"


async def test_a_restart_ends_a_question(notebook: Notebook) -> None:
    cell, _ = await asked(notebook, "input('?')")
    await notebook.runner.restart()
    ran = await cell
    assert ran.outcome.crash is not None
    assert ran.outcome.crash.cause == "restart"
