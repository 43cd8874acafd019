"""User code asks the person."""

from __future__ import annotations


def test_input_asks_and_returns_the_line(frontend):
    frontend.execute("input('name: ')", allow_stdin=True)
    frontend.expect_question("name: ")
    frontend.answer("Ada")
    frontend.expect_busy()
    frontend.expect_input("input('name: ')")
    frontend.expect_result("'Ada'")
    frontend.expect_idle()
    frontend.expect_reply("ok")


def test_the_question_carries_the_header_of_the_execution(frontend):
    id = frontend.execute("input()", allow_stdin=True)
    question = frontend.expect_question("")
    frontend.answer("", parent=question)
    assert question["parent_header"]["msg_id"] == id
    assert frontend.transcript().results == ["''"]


def test_getpass_asks_for_a_password(frontend):
    frontend.execute("import getpass; getpass.getpass('secret? ')", allow_stdin=True)
    frontend.expect_question("secret? ", password=True)
    frontend.answer("swordfish")
    assert frontend.transcript().results == ["'swordfish'"]


def test_several_questions_in_one_cell(frontend):
    frontend.execute("[input(f'{n}?') for n in range(3)]", allow_stdin=True)
    for n in range(3):
        question = frontend.expect_question(f"{n}?")
        frontend.answer(str(n * n), parent=question)
    assert frontend.transcript().results == ["['0', '1', '4']"]


def test_output_before_a_question_is_seen_before_it_is_answered(frontend):
    frontend.execute("print('first'); x = input('then? ')", allow_stdin=True)
    frontend.expect_question("then? ")
    frontend.expect_busy()
    frontend.expect("execute_input")
    frontend.expect_stdout("first\n")
    frontend.answer("")
    frontend.expect_idle()
    frontend.expect_reply("ok")


def test_end_of_transmission_is_end_of_file(frontend):
    frontend.execute("input()", allow_stdin=True)
    frontend.expect_question("")
    frontend.answer("\x04")
    assert frontend.transcript().errors == ["EOFError"]


def test_a_client_that_cannot_be_asked_gets_an_error(frontend):
    transcript = frontend.run("input('name: ')", allow_stdin=False)
    assert transcript.errors == ["StdinNotImplementedError"]
    expected = "raw_input was called, but this frontend does not support input requests."
    assert transcript.reply["evalue"] == expected
    assert not frontend.questions


def test_getpass_without_stdin_is_an_error_of_its_own(frontend):
    transcript = frontend.run("import getpass; getpass.getpass()", allow_stdin=False)
    expected = "getpass was called, but this frontend does not support input requests."
    assert transcript.reply["evalue"] == expected


def test_an_interrupt_ends_the_question(kernel):
    frontend = kernel.frontend
    id = frontend.execute("input('never answered')", allow_stdin=True)
    frontend.expect_question("never answered")
    frontend.interrupt()
    transcript = frontend.transcript(of=id)
    assert transcript.errors == ["KeyboardInterrupt"]


def test_an_answer_that_comes_too_late_answers_nothing(kernel):
    frontend = kernel.frontend
    id = frontend.execute("input('first')", allow_stdin=True)
    first = frontend.expect_question("first")
    frontend.interrupt()
    frontend.transcript(of=id)
    frontend.answer("late", parent=first)
    frontend.run("1")
    frontend.execute("input('second')", allow_stdin=True)
    second = frontend.expect_question("second")
    frontend.answer("in time", parent=second)
    assert frontend.transcript().results == ["'in time'"]


def test_reading_stdin_itself_is_at_its_end(frontend):
    assert frontend.run("import sys; sys.stdin.read()").results == ["''"]


def test_pdb_talks_over_input(frontend):
    frontend.execute("import pdb\nvalue = 17\npdb.set_trace()\nafter = value", allow_stdin=True)
    question = frontend.expect_question("ipdb> ")
    frontend.answer("p value", parent=question)
    question = frontend.expect_question("ipdb> ")
    frontend.answer("c", parent=question)
    transcript = frontend.transcript()
    assert transcript.status == "ok"
    assert "17" in transcript.stdout
