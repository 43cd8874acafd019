import sys

import pytest


def test_the_last_expression_is_the_result(notebook):
    assert notebook.run("x = 2\nx * 3") == "6"
    assert notebook.only("result")[1] == 1


def test_none_is_not_shown(notebook):
    assert notebook.run("None") is None


def test_a_trailing_semicolon_hides_the_result(notebook):
    assert notebook.run("5;") is None
    assert notebook.run("5;  # hidden") is None
    assert notebook.run("';'") == "';'"


@pytest.mark.parametrize("code", ["", "   \n", "# a comment", "\n\n# a\n"])
def test_a_cell_without_code_is_fine(notebook, code):
    assert notebook.run(code) is None


def test_top_level_await(notebook):
    assert notebook.run("import asyncio\nawait asyncio.sleep(0, 'done')") == "'done'"
    assert notebook.run("x = await asyncio.sleep(0, 3)\nx") == "3"


def test_top_level_async_for_and_with(notebook):
    notebook.run("async def numbers():\n    yield 1\n    yield 2")
    assert notebook.run("[n async for n in numbers()]") == "[1, 2]"
    notebook.run("found = []\nasync for n in numbers():\n    found.append(n)")
    assert notebook.run("found") == "[1, 2]"


def test_an_error_in_awaiting_code_names_its_line(notebook):
    notebook.execute("import asyncio\nawait asyncio.sleep(0)\n1 / 0")
    assert "----> 3 1 / 0" in notebook.traceback()


@pytest.mark.parametrize("code", ["await f()", "import asyncio", "async with a: pass"])
def test_code_that_may_await_wants_a_loop(notebook, code):
    assert notebook.host.needs_loop(code)


def test_other_code_wants_no_loop(notebook):
    assert not notebook.host.needs_loop("x = 1")


def test_silent_code_shows_and_keeps_nothing(notebook):
    assert notebook.run("secret = 5; secret", silent=True) is None
    assert notebook.run("len(In), 1 in Out, secret") == "(3, False, 5)"


def test_an_error_is_sent_and_the_shell_lives_on(notebook):
    assert notebook.fail("1 / 0") == ("ZeroDivisionError", "division by zero")
    assert notebook.run("1") == "1"


def test_a_failing_repr_is_an_error_and_the_value_is_kept(notebook):
    notebook.run("class A:\n    def __repr__(self): raise ValueError('no')")
    assert notebook.fail("A()") == ("ValueError", "no")
    assert notebook.run("type(_2).__name__") == "'A'"


def test_an_interrupt_is_an_outcome_of_its_own(notebook):
    assert notebook.execute("raise KeyboardInterrupt").status == "interrupted"
    assert notebook.only("error")[1] == "KeyboardInterrupt"


def test_sys_exit_is_an_error_and_says_how_to_leave(notebook, capfd):
    assert notebook.fail("import sys; sys.exit(3)") == ("SystemExit", "3")
    assert "To exit: use 'exit', 'quit', or Ctrl-D." in capfd.readouterr().err
    assert notebook.run("1") == "1"


@pytest.mark.parametrize("code", ["exit", "quit", "exit()", "quit(1)"])
def test_exit_asks_the_front_end(notebook, code):
    outcome = notebook.execute(code)
    assert outcome.status == "ok"
    assert outcome.payload == [{"source": "ask_exit", "keepkernel": False}]


def test_a_question_opens_the_pager(notebook):
    (payload,) = notebook.execute("len?").payload
    assert payload["source"] == "page"
    assert payload["start"] == 0
    assert "Return the number of items" in payload["data"]["text/plain"]


def test_user_expressions_are_answered_one_by_one(notebook):
    outcome = notebook.execute("x = 2", user_expressions={"a": "x + 1", "b": "nowhere"})
    a, b = outcome.user_expressions["a"], outcome.user_expressions["b"]
    assert a == {"status": "ok", "data": {"text/plain": "3"}, "metadata": {}}
    assert (b["status"], b["ename"]) == ("error", "NameError")
    assert b["traceback"]


def test_a_failed_cell_answers_no_expressions(notebook):
    assert not notebook.execute("1 / 0", user_expressions={"a": "1"}).user_expressions


@pytest.mark.parametrize(
    "code",
    [
        "import builtins; del builtins.print",
        "import sys; sys.stdout = sys.stderr = None",
        "import sys; sys.displayhook = 5",
        "import sys; sys.excepthook = 1 .real",
        "__builtins__ = None",
        "import builtins; del builtins.display, builtins.get_ipython, builtins.exit",
        "import linecache; linecache.clearcache()",
        "import sys; sys.last_value = 1; sys.ps1 = 3",
        "import sys; del sys.modules['__main__']",
    ],
)
def test_the_shell_survives(notebook, code, monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    notebook.execute(code)
    assert notebook.run("1 + 1") == "2"
    assert notebook.fail("1 / 0")[0] == "ZeroDivisionError"
    assert "----> 1 1 / 0" in notebook.traceback()
    notebook.run("display(3)")
    assert notebook.only("display")[1] == {"text/plain": "3"}
    assert notebook.execute("exit").payload
    notebook.execute("%pwd")


def test_an_exception_that_lies_about_itself_is_told(notebook):
    notebook.run(
        "class Meta(type):\n"
        "    def __getattribute__(cls, name): raise RuntimeError(name)\n"
        "class Odd(Exception, metaclass=Meta):\n"
        "    __class__ = property(lambda self: 1 / 0)\n"
        "    def __str__(self): raise RuntimeError('str')\n"
    )
    name, value = notebook.fail("raise Odd")
    assert name == "Odd"
    assert value == "<exception str() failed with RuntimeError>"


def test_enormous_integers_are_an_error_like_any_other(notebook):
    if hasattr(sys, "set_int_max_str_digits"):
        assert notebook.fail("10 ** 5000")[0] == "ValueError"


@pytest.mark.parametrize("code", ["x = '\0'", "x = '\ud800'", "'\udcff'"])
def test_impossible_characters_are_a_syntax_error(notebook, code):
    assert notebook.fail(code)[0] == "SyntaxError"


def test_callbacks_surround_a_cell(notebook):
    notebook.run(
        "told = []\n"
        "events = get_ipython().events\n"
        "for name in ('pre_execute', 'post_execute'):\n"
        "    events.register(name, lambda name=name: told.append(name))\n"
        "events.register('pre_run_cell', lambda info: told.append(info.raw_cell))\n"
        "events.register('post_run_cell', lambda result: told.append(result.success))\n"
    )
    notebook.run("told.clear()")
    notebook.fail("1 / 0")
    # The first cell's end and the second's beginning were cleared away.
    assert notebook.names["told"] == [
        *("post_execute", True),
        *("pre_execute", "1 / 0", "post_execute", False),
    ]


def test_a_failing_callback_is_told_and_harms_nothing(notebook, capfd):
    notebook.run("get_ipython().events.register('pre_execute', lambda: 1 / 0)")
    assert notebook.run("5") == "5"
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_the_display_hook_of_sys_shows_results(notebook):
    notebook.run("import sys; sys.displayhook(5)")
    assert notebook.only("result")[2] == {"text/plain": "5"}
