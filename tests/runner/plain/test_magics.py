import os
import sys
from pathlib import Path

import pytest

from wherry_runner.plain.magics import _BUILT_IN, Magics, UsageError, split_options


def test_an_unknown_magic_names_its_neighbours(notebook):
    name, value = notebook.fail("%tiem 1")
    assert name == "UsageError"
    assert value == "Line magic function `%tiem` not found. Did you mean %time?"
    assert notebook.traceback() == f"UsageError: {value}"


def test_a_magic_of_the_other_kind_is_named(notebook):
    assert "There is `%%bash`" in notebook.fail("%bash")[1]
    assert "There is `%cd`" in notebook.fail("%%cd\n")[1]


def test_a_cell_magic_in_the_middle_is_explained(notebook):
    assert "first line" in notebook.fail("x = 1\n%%time\ny = 2")[1]


@pytest.mark.parametrize("kind", ["line", "cell"])
def test_every_magic_that_is_listed_exists_and_says_what_it_does(kind):
    magics = Magics()
    for name in magics.names(kind):
        assert magics.find(name, kind).__doc__, name
    assert len(magics.names(kind)) == len(" ".join(_BUILT_IN[kind].values()).split())


def test_own_magics_can_be_registered(notebook):
    notebook.run(
        "ip = get_ipython()\nip.register_magic_function(lambda line: line * 2, 'line', 'dup')"
    )
    assert notebook.run("n = 'ab'\n%dup {n}c") == "'abcabc'"
    notebook.run(
        "def both(line, cell=None): return line, cell\n"
        "ip.register_magic_function(both, magic_kind='line_cell')"
    )
    assert notebook.run("%both x") == "('x', None)"
    assert notebook.run("%%both x\nbody\n") == "('x', 'body\\n')"
    assert notebook.fail("ip.register_magic_function(both, 'odd')")[0] == "ValueError"


def test_options_stand_before_the_rest():
    assert split_options("-n 5 -qr3  a -b", "n:r:q") == ({"n": "5", "q": "", "r": "3"}, "a -b")
    assert split_options("--out x --flag rest", "", ("out=", "flag")) == (
        {"out": "x", "flag": ""},
        "rest",
    )
    assert split_options("--out=x -- -y", "", ("out=",)) == ({"out": "x"}, "-y")
    assert split_options("- x", "") == ({}, "- x")


@pytest.mark.parametrize("line", ["-x", "--odd"])
def test_an_unknown_option_is_refused(line):
    with pytest.raises(UsageError, match=line):
        split_options(line, "n:", ("out=",))


def test_a_magic_in_a_block_and_in_an_assignment(notebook):
    notebook.run("if True:\n    here = %pwd")
    assert notebook.names["here"] == str(Path.cwd())


# --- magics_files ---


def test_cd_and_back(notebook, tmp_path, capfd):
    (tmp_path / "a b").mkdir()
    notebook.run("%cd a b")
    assert notebook.run("%pwd") == repr(str(tmp_path / "a b"))
    notebook.run("%cd -")
    assert str(Path.cwd()) == str(tmp_path)
    assert "cannot change" in notebook.fail("%cd nowhere")[1]


def test_environment_variables(notebook, capfd):
    notebook.run("%env WHERRY_TEST=a b")
    assert capfd.readouterr().out == "env: WHERRY_TEST=a b\n"
    assert notebook.run("%env WHERRY_TEST") == "'a b'"
    notebook.run("v = 'c'\n%set_env WHERRY_TEST {v}")
    assert os.environ["WHERRY_TEST"] == "c"
    notebook.run("e = %env")
    assert notebook.names["e"]["WHERRY_TEST"] == "c"
    assert notebook.fail("%env WHERRY_NONE")[0] == "UsageError"


def test_writefile_writes_overwrites_and_appends(notebook, tmp_path, capfd):
    notebook.run("%%writefile f.txt\none\n")
    notebook.run("%%writefile f.txt\ntwo\n")
    notebook.run("%%file -a f.txt\nthree\n")
    assert (tmp_path / "f.txt").read_text() == "two\nthree\n"
    assert capfd.readouterr().out == "Writing f.txt\nOverwriting f.txt\nAppending to f.txt\n"


# --- magics_names ---


def test_who(notebook, capfd):
    notebook.run("%who")
    notebook.run("b, a, s = 1, 2, [1, 2]")
    notebook.run("%who")
    notebook.run("%who int")
    assert capfd.readouterr().out == "Interactive namespace is empty.\na\tb\ts\na\tb\n"
    assert notebook.run("%who_ls list") == "['s']"
    notebook.run("%whos")
    assert capfd.readouterr().out.splitlines()[2:] == [
        *("a          int    2", "b          int    1", "s          list   n=2")
    ]


def test_reset_forgets_names_and_results(notebook):
    notebook.run("x = 1; x")
    notebook.run("%reset -f")
    assert notebook.fail("x")[0] == "NameError"
    assert notebook.run("len(Out), _") == "(0, '')"


def test_reset_asks_first(notebook):
    notebook.session.answers = ["n", "y"]
    notebook.run("x = 1")
    notebook.run("%reset")
    assert notebook.run("x") == "1"
    notebook.run("%reset")
    assert notebook.fail("x")[0] == "NameError"


def test_history(notebook, capfd):
    notebook.run("x = 1")
    notebook.run("y = 2\nz = 3")
    notebook.run("%history -n")
    assert capfd.readouterr().out == "   1: x = 1\n   2: y = 2\nz = 3\n   3: %history -n\n"
    notebook.run("%hist 1-2")
    assert capfd.readouterr().out == "x = 1\ny = 2\nz = 3\n"
    assert notebook.fail("%history x")[0] == "UsageError"


def test_psearch(notebook):
    (payload,) = notebook.execute("str.is*er?").payload
    assert "str.islower" in payload["data"]["text/plain"]


def test_an_unknown_name_is_not_found(notebook, capfd):
    assert notebook.execute("nowhere?").payload == []
    assert capfd.readouterr().out == "Object `nowhere` not found.\n"


# --- magics_python ---


def test_run_takes_over_names_and_passes_arguments(notebook, tmp_path, capfd):
    (tmp_path / "p.py").write_text(
        "import sys\nargs = sys.argv\nname = __name__\nprint(__file__)\n"
    )
    notebook.run("%run p.py a 'b c'")
    assert notebook.run("args, name, __name__") == "(['p.py', 'a', 'b c'], '__main__', '__main__')"
    assert "p.py" in capfd.readouterr().out
    assert sys.argv == [""]


def test_run_starts_afresh_unless_told(notebook, tmp_path):
    (tmp_path / "p.py").write_text("y = x + 1\n")
    notebook.run("x = 1")
    assert notebook.fail("%run p")[0] == "NameError"
    notebook.run("%run -i p")
    assert notebook.run("y, '__file__' in globals()") == "(2, False)"


def test_run_a_module(notebook, capfd):
    notebook.run("%run -m timeit -n1 -r1 pass")
    assert "loop" in capfd.readouterr().out


def test_a_program_may_exit(notebook, tmp_path):
    (tmp_path / "p.py").write_text("import sys\nz = 1\nsys.exit(0)\n")
    notebook.run("%run p.py")
    assert notebook.run("z") == "1"
    (tmp_path / "p.py").write_text("import sys\nsys.exit(2)\n")
    assert notebook.fail("%run p.py")[0] == "SystemExit"


def test_an_error_in_a_program_shows_its_file(notebook, tmp_path):
    (tmp_path / "p.py").write_text("def f():\n    1 / 0\nf()\n")
    notebook.fail("%run p.py")
    assert "p.py:2, in f()" in notebook.traceback()
    assert notebook.fail("%run nowhere.py")[0] == "UsageError"


def test_extensions_are_refused_with_a_reason(notebook):
    assert "need IPython" in notebook.fail("%load_ext autoreload")[1]


def test_tb_shows_the_last_traceback_again(notebook, capfd):
    notebook.run("%tb")
    notebook.fail("1 / 0")
    capfd.readouterr()
    notebook.run("%tb")
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_lsmagic_lists_all(notebook, capfd):
    notebook.run("%lsmagic")
    out = capfd.readouterr().out
    assert "%time " in out
    assert "%%bash" in out


# --- magics_timing ---


def test_time_tells_and_returns_the_value(notebook, capfd):
    assert notebook.run("%time 2 + 3") == "5"
    out = capfd.readouterr().out
    assert out.startswith("CPU times: user ")
    assert "\nWall time: " in out
    assert notebook.run("%%time\nx = 4\nx") == "4"
    assert notebook.run("%time 5;") is None


def test_time_sees_local_names(notebook):
    assert notebook.run("def f(inside):\n    r = %time inside + 1\n    return r\nf(1)") == "2"


def test_lines_of_a_timed_cell_are_right(notebook):
    notebook.fail("%%time\nx = 1\n1 / 0")
    assert "----> 3 1 / 0" in notebook.traceback()


def test_timeit(notebook, capfd):
    notebook.run("%timeit -n 2 -r 3 pass")
    assert "of 3 runs, 2 loops each)" in capfd.readouterr().out
    notebook.run("r = %timeit -o -q -n1 -r1 pass")
    assert notebook.run("r.loops, r.repeat, r.best == r.worst") == "(1, 1, True)"
    notebook.run("%%timeit -n1 -r1 x = 1\nx + 1\nx + 2")
    assert notebook.fail("%timeit -n x pass")[0] == "UsageError"


# --- magics_cells ---


def test_capture_keeps_everything(notebook, capfd):
    notebook.run("%%capture c\nimport sys\nprint(1)\nprint(2, file=sys.stderr)\ndisplay(3)\n4")
    assert capfd.readouterr() == ("", "")
    assert notebook.session.sent == []
    assert notebook.run("c.stdout, c.stderr, len(c.outputs)") == "('1\\n', '2\\n', 2)"
    notebook.run("c()")
    assert capfd.readouterr() == ("1\n", "2\n")
    assert len(notebook.all("display")) == 2


def test_capture_can_let_some_through(notebook, capfd):
    notebook.run("%%capture --no-stdout c\nprint(1)")
    assert capfd.readouterr().out == "1\n"


def test_an_error_ends_the_capture(notebook, capfd):
    notebook.fail("%%capture c\nprint(1)\n1 / 0")
    notebook.run("print(2)\nprint(c.stdout)")
    assert capfd.readouterr().out == "2\n1\n\n"


@pytest.mark.parametrize(
    "name,mime",
    [("html", "text/html"), ("markdown", "text/markdown"), ("svg", "image/svg+xml"),
     ("latex", "text/latex"), ("javascript", "application/javascript")],
)  # fmt: skip
def test_a_cell_in_another_language_is_shown(notebook, name, mime):
    notebook.run(f"%%{name}\n<b>x</b>")
    assert notebook.only("display")[1][mime] == "<b>x</b>"


# --- magics_system ---


def test_bash_reads_the_cell(notebook, capfd):
    notebook.run("%%bash\nx=$((1+1))\necho $x")
    assert capfd.readouterr().out == "2\n"
    assert notebook.fail("%%bash\nexit 3")[0] == "CalledProcessError"
    notebook.run("%%bash --no-raise-error\nexit 3")
    assert notebook.run("_exit_code") == "3"
    notebook.run("%%sh --out got\necho hi")
    assert notebook.run("got") == "'hi\\n'"


def test_script_starts_any_program(notebook, capfd):
    notebook.run(f"%%script {sys.executable} -\nprint(6 * 7)")
    assert capfd.readouterr().out == "42\n"
    assert notebook.fail("%%script\nx")[0] == "UsageError"


def test_pip_is_that_of_this_interpreter(notebook, capfd):
    notebook.run("%pip --version")
    assert f"python {sys.version_info[0]}.{sys.version_info[1]}" in capfd.readouterr().out


def test_conda_needs_a_conda_environment(notebook):
    assert "not a conda environment" in notebook.fail("%conda install x")[1]


def test_sx_returns_lines(notebook):
    assert notebook.run("%sx echo a; echo b") == "['a', 'b']"
