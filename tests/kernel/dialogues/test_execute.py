"""Executions: what is published, in which order, and what the reply says."""

from __future__ import annotations


def test_an_expression_is_executed_and_its_value_shown(frontend):
    frontend.execute("6 * 7")
    frontend.expect_busy()
    count = frontend.expect_input("6 * 7")
    result = frontend.expect_result("42")
    frontend.expect_idle()
    reply = frontend.expect_reply("ok", user_expressions={}, payload=[])
    assert result["execution_count"] == reply["execution_count"] == count
    assert result["metadata"] == {}


def test_a_statement_shows_nothing(frontend):
    frontend.execute("a = 1")
    frontend.expect_busy()
    frontend.expect_input("a = 1")
    frontend.expect_idle()
    frontend.expect_reply("ok")
    frontend.expect_silence()


def test_a_semicolon_hides_the_value(frontend):
    assert frontend.run("6 * 7;").outputs[1:] == []


def test_the_metadata_of_a_reply_tells_start_and_status(frontend):
    metadata = frontend.run("1").reply_metadata
    assert metadata["status"] == "ok"
    assert metadata["started"]


def test_the_number_goes_up_by_one(frontend):
    first = frontend.run("1").reply["execution_count"]
    second = frontend.run("1").reply["execution_count"]
    assert second == first + 1


def test_an_error_is_shown_and_repeated_in_the_reply(frontend):
    frontend.execute("1 / 0")
    frontend.expect_busy()
    count = frontend.expect_input("1 / 0")
    error = frontend.expect_error("ZeroDivisionError")
    frontend.expect_idle()
    reply = frontend.expect_reply("error", ename="ZeroDivisionError", evalue="division by zero")
    assert reply["traceback"] == error["traceback"]
    assert reply["execution_count"] == count
    assert reply["user_expressions"] == {}
    assert reply["payload"] == []
    assert any("1 / 0" in _plain(line) for line in error["traceback"])


def test_output_before_an_error_is_kept(frontend):
    transcript = frontend.run("print('before'); 1 / 0")
    assert transcript.kinds == ["execute_input", "stream", "error"]
    assert transcript.stdout == "before\n"


def test_an_error_has_a_number_of_its_own(frontend):
    first = frontend.run("1 / 0").reply["execution_count"]
    assert frontend.run("1").reply["execution_count"] == first + 1


def test_a_syntax_error_is_an_error(frontend):
    transcript = frontend.run("this is no python")
    assert transcript.errors == ["SyntaxError"]
    assert transcript.reply["ename"] == "SyntaxError"
    assert "this is no python" in _plain("\n".join(transcript.reply["traceback"]))


def test_an_unfinished_line_is_an_error(frontend):
    assert frontend.run("def f(:").reply["ename"] == "SyntaxError"


def test_the_traceback_names_the_lines_of_earlier_cells(frontend):
    frontend.run("def broken():\n    raise ValueError('deep')\n")
    text = _plain("\n".join(frontend.run("broken()").reply["traceback"]))
    assert "raise ValueError('deep')" in text
    assert "broken()" in text


def test_an_error_in_a_repr_is_an_error_of_the_cell(frontend):
    transcript = frontend.run("class Bad:\n    def __repr__(self): 1 / 0\nBad()")
    assert transcript.status == "error"
    assert "ZeroDivisionError" in _plain(
        "\n".join(transcript.reply["traceback"]) + transcript.stderr
    )


def test_system_exit_is_an_error_and_the_kernel_lives(frontend):
    transcript = frontend.run("import sys; sys.exit(3)")
    assert transcript.reply["ename"] == "SystemExit"
    assert frontend.run("1 + 1").results == ["2"]


def test_a_silent_execution_shows_neither_input_nor_value(frontend):
    before = frontend.run("1").reply["execution_count"]
    frontend.execute("silently = 5; silently", silent=True)
    frontend.expect_busy()
    frontend.expect_idle()
    frontend.expect_reply("ok", execution_count=before)
    assert frontend.run("silently").reply["execution_count"] == before + 1


def test_a_silent_execution_shows_its_streams_and_errors(frontend):
    transcript = frontend.run("print('loud'); 1 / 0", silent=True)
    assert transcript.kinds == ["stream", "error"]
    assert transcript.status == "error"


def test_without_history_the_number_stays(frontend):
    before = frontend.run("1").reply["execution_count"]
    transcript = frontend.run("7", store_history=False)
    assert transcript.results == ["7"]
    assert transcript.reply["execution_count"] == before
    assert transcript.of("execute_input")[0]["execution_count"] == before + 1
    assert frontend.run("1").reply["execution_count"] == before + 1


def test_an_empty_cell_takes_no_number(frontend):
    before = frontend.run("1").reply["execution_count"]
    assert frontend.run("").reply["execution_count"] == before
    assert frontend.run("  \n").reply["execution_count"] == before


def test_user_expressions_are_evaluated_after_the_code(frontend):
    expressions = {"good": "x + 1", "bad": "nowhere"}
    values = frontend.run("x = 41", user_expressions=expressions).reply["user_expressions"]
    assert values["good"]["status"] == "ok"
    assert values["good"]["data"] == {"text/plain": "42"}
    assert values["good"]["metadata"] == {}
    assert values["bad"]["status"] == "error"
    assert values["bad"]["ename"] == "NameError"


def test_user_expressions_are_not_evaluated_after_an_error(frontend):
    reply = frontend.run("1 / 0", user_expressions={"x": "1"}).reply
    assert reply["user_expressions"] == {}


def test_an_error_aborts_what_is_queued(frontend):
    first = frontend.execute("import time; time.sleep(0.3); 1 / 0")
    second = frontend.execute("print('never')")
    third = frontend.execute("print('never either')")
    assert frontend.transcript(of=first).status == "error"
    for id in (second, third):
        transcript = frontend.transcript(of=id)
        assert transcript.reply == {"status": "aborted"}
        assert transcript.outputs == []


def test_without_stop_on_error_what_is_queued_runs(frontend):
    first = frontend.execute("import time; time.sleep(0.3); 1 / 0", stop_on_error=False)
    second = frontend.execute("'ran'")
    assert frontend.transcript(of=first).status == "error"
    assert frontend.transcript(of=second).results == ["'ran'"]


def test_only_executions_are_aborted(frontend):
    first = frontend.execute("import time; time.sleep(0.3); 1 / 0")
    second = frontend.request("kernel_info_request")
    assert frontend.transcript(of=first).status == "error"
    frontend.expect_reply("ok", of=second)


def test_queued_cells_run_in_their_order(frontend):
    frontend.run("seen = []")
    ids = [frontend.execute(f"seen.append({n}); print(seen)") for n in range(5)]
    texts = [frontend.transcript(of=id).stdout for id in ids]
    assert texts[-1] == "[0, 1, 2, 3, 4]\n"
    assert [text.count(",") for text in texts] == [0, 1, 2, 3, 4]


def test_unicode_survives_in_both_directions(frontend):
    text = "höhe 日本語 🚣‍♀️ \x00 \u2028"
    assert frontend.run(f"print({text!r})").stdout == text + "\n"


def test_the_last_values_are_kept(frontend):
    frontend.run("'first'")
    frontend.run("'second'")
    assert frontend.run("_ + __").results == ["'secondfirst'"]


def test_the_main_module_is_the_namespace(frontend):
    code = "here = 1\nimport __main__\n__main__.here, __name__"
    assert frontend.run(code).results == ["(1, '__main__')"]


def _plain(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
