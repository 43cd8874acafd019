import inspect
import linecache
import os

import pytest

from wherry_runner.plain.cells import Cells


def test_the_last_expression_is_the_value():
    program = Cells().compile("x = 2\nx + 1", 1)
    assert program.run({}) == 3


def test_without_a_last_expression_there_is_no_value():
    assert Cells().compile("x = 2", 1).run({}) is None


@pytest.mark.parametrize("code", ["", "\n\n", "# only this", "'a';", "1; # quiet"])
def test_nothing_is_the_value_of(code):
    assert Cells().compile(code, 1).run({}) is None


def test_future_imports_hold_in_later_cells():
    cells, names = Cells(), {}
    cells.compile("from __future__ import annotations", 1).run(names)
    cells.compile("def f(x: nowhere): pass", 2).run(names)
    assert names["f"].__annotations__ == {"x": "nowhere"}


def test_our_own_future_imports_do_not_leak():
    names = {}
    Cells().compile("def f(x: int): pass", 1).run(names)
    assert names["f"].__annotations__ == {"x": int}


def test_each_execution_has_a_file_name_of_its_own():
    cells = Cells()
    names = [cells.add("x", 3), cells.add("y", 3), cells.add("z", 3, "an-id"), cells.add("w", 4)]
    assert len(set(names)) == 4
    assert {cells.label(name) for name in names[:3]} == {"Cell In[3]"}
    assert "an-id" in names[2]


def test_a_cell_id_cannot_break_the_file_name():
    assert cells_name("a/b<c>\n") == "<cell 1 a_b_c__>"


def cells_name(cell):
    return Cells().add("", 1, cell)


def test_sources_of_functions_are_found():
    cells, names = Cells(), {}
    cells.compile("x = 1\n\ndef f():\n    return 'here'", 901).run(names)
    assert inspect.getsource(names["f"]) == "def f():\n    return 'here'\n"


def test_sources_survive_the_clearing_of_the_cache():
    cells = Cells()
    filename = cells.add("some = 'source'", 902)
    linecache.checkcache()
    assert linecache.getline(filename, 1)
    linecache.clearcache()
    cells.restore_sources()
    assert linecache.getline(filename, 1) == "some = 'source'\n"


def test_sources_are_found_in_forked_children():
    cells = Cells()
    filename = cells.add("in_the_child = 1", 903)
    pid = os.fork()
    if not pid:
        os._exit(7 if linecache.getline(filename, 1).startswith("in_the_child") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


@pytest.mark.parametrize("code", ["x = '\0'", "ok = 1\nx = '\ud800'", "x = = 1", "return 1"])
def test_what_cannot_be_compiled_is_a_syntax_error(code):
    with pytest.raises(SyntaxError) as caught:
        Cells().compile(code, 904)
    assert caught.value.lineno == code.count("\n") + 1


@pytest.mark.parametrize(
    "code", ["await x", "x = 1\nawait x", "async with x: pass", "async for a in x: pass"]
)
def test_code_that_awaits_is_known(code):
    assert Cells().compile(code, 1).is_async


def test_a_coroutine_function_alone_does_not_await():
    assert not Cells().compile("async def f(): await g()", 1).is_async
