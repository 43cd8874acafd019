import sys

import pytest

from wherry_runner.plain.system import Lines, interpolate


def test_output_of_a_command_goes_to_the_descriptors(notebook, capfd):
    notebook.run("print('before')\n!echo out; echo err >&2\nprint('after')")
    captured = capfd.readouterr()
    assert captured.out == "before\nout\nafter\n"
    assert captured.err == "err\n"


def test_the_exit_code_is_kept(notebook):
    notebook.run("!exit 3")
    assert notebook.run("_exit_code") == "3"


def test_lines_of_a_command_are_a_list(notebook):
    notebook.run("x = !printf 'b\\na\\n'; echo err >&2; exit 4")
    assert notebook.run("x, x.n, x.s, _exit_code") == (
        "(['b', 'a', 'err'], 'b\\na\\nerr', 'b a err', 4)"
    )


def test_lines_can_be_searched_and_cut():
    lines = Lines(["one 1", "two 2"])
    assert lines.grep("TWO") == ["two 2"]
    assert lines.fields(1, 0) == ["1 one", "2 two"]


def test_values_are_put_into_commands(notebook, capfd):
    notebook.run("name = 'w'; d = {'k': 5}")
    notebook.run("!echo $name {name.upper()} {d['k']:03d} $$name {{x}}")
    assert capfd.readouterr().out == "w W 005 {x}\n"


def test_local_values_are_put_into_commands(notebook, capfd):
    notebook.run("def f(inside):\n    !echo {inside} $inside\nf(7)")
    assert capfd.readouterr().out == "7 7\n"


@pytest.mark.parametrize("text", ["awk '{print $1}'", "echo ${HOME}", "f() { true; }", "$nowhere"])
def test_what_has_no_value_stays(text):
    assert interpolate(text, sys._getframe()) == text


def test_a_command_finds_no_input(notebook, capfd):
    notebook.run("!cat; echo done")
    assert capfd.readouterr().out == "done\n"


def test_a_captured_cell_captures_commands(notebook, capfd):
    notebook.run("%%capture c\n!echo hidden; echo e >&2")
    assert notebook.run("c.stdout, c.stderr") == "('hidden\\n', 'e\\n')"
    assert capfd.readouterr().out == ""
