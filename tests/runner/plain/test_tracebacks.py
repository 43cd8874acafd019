import sys

import pytest


def test_a_traceback_points_at_the_line(notebook):
    notebook.run("def f(a, *rest, key=1):\n    x = a\n    y = x\n    return x / 0\n")
    notebook.fail("before = 1\nf(1)\nafter = 1")
    assert notebook.traceback() == (
        "---------------------------------------------------------------------------\n"
        "ZeroDivisionError                         Traceback (most recent call last)\n"
        "Cell In[2], line 2\n"
        "      1 before = 1\n"
        "----> 2 f(1)\n"
        "      3 after = 1\n"
        "\n"
        "Cell In[1], line 4, in f(a, *rest, key)\n"
        "      2     x = a\n"
        "      3     y = x\n"
        "----> 4     return x / 0\n"
        "\n"
        "ZeroDivisionError: division by zero"
    )


def test_our_own_entries_are_hidden(notebook):
    notebook.fail("%time 1 / 0")
    assert "wherry_runner" not in notebook.traceback()


def test_entries_of_what_a_magic_calls_are_hidden(notebook):
    notebook.fail("%%script /nowhere/program\n")
    assert "subprocess.py" not in notebook.traceback()
    notebook.fail("import subprocess\nsubprocess.run(['/nowhere/program'])")
    assert "subprocess.py" in notebook.traceback()
    notebook.fail("%timeit 1 / 0")
    assert "<timeit-src>" in notebook.traceback()
    assert "magics" not in notebook.traceback()


def test_a_syntax_error_has_a_caret_and_no_stack(notebook):
    assert notebook.fail("x = 1\n  y = 2")[0] == "IndentationError"
    notebook.fail("x = 1\nif x\n    y")
    assert notebook.traceback().startswith("  Cell In[2], line 2\n    if x\n        ^")
    assert "Traceback" not in notebook.traceback()


def test_a_syntax_error_of_other_code_has_both(notebook):
    notebook.fail("compile('a b', 'somewhere.py', 'exec')")
    text = notebook.traceback()
    assert "----> 1 compile" in text
    assert "somewhere.py:1" in text


def test_a_cause_comes_first(notebook):
    notebook.fail("try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('x') from e")
    text = notebook.traceback()
    assert (
        text.index("ZeroDivisionError") < text.index("direct cause") < text.index("ValueError: x")
    )


def test_a_context_comes_first_unless_suppressed(notebook):
    notebook.fail("try:\n    1 / 0\nexcept Exception:\n    raise ValueError('x')")
    assert "During handling of the above exception" in notebook.traceback()
    notebook.fail("try:\n    1 / 0\nexcept Exception:\n    raise ValueError('x') from None")
    assert "ZeroDivisionError" not in notebook.traceback()


def test_a_ring_of_causes_ends(notebook):
    notebook.fail(
        "a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a"
    )
    assert notebook.traceback().count("direct cause") == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_members_of_a_group_are_shown(notebook):
    notebook.fail(
        "def f(): raise KeyError('k')\n"
        "try:\n    f()\n"
        "except KeyError as e: inner = e\n"
        "raise ExceptionGroup('g', [inner, ExceptionGroup('h', [ValueError(2)])])"
    )
    text = notebook.traceback()
    assert "ExceptionGroup: g (2 sub-exceptions)" in text
    assert "  | KeyError: 'k'" in text
    assert "  |   | ValueError: 2" in text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with 3.11")
def test_notes_follow(notebook):
    notebook.fail("e = ValueError('x')\ne.add_note('a note')\nraise e")
    assert notebook.traceback().endswith("ValueError: x\na note")


def test_a_recursion_is_shortened(notebook):
    notebook.run("def f(n):\n    return f(n + 1)")
    assert notebook.fail("f(0)")[0] == "RecursionError"
    assert "skipping" in notebook.traceback()
    assert len(notebook.traceback().splitlines()) < 60


def test_a_mutual_recursion_is_shortened(notebook):
    notebook.run("def f():\n    g()\ndef g():\n    f()")
    notebook.fail("f()")
    assert len(notebook.traceback().splitlines()) < 80


def test_a_deep_stack_without_repetition_is_shown_whole(notebook):
    functions = "".join(f"def f{n}():\n    f{n + 1}()\n" for n in range(50))
    notebook.run(functions + "def f50(): 1 / 0")
    notebook.fail("f0()")
    assert "in f25()" in notebook.traceback()


def test_values_of_several_lines_are_whole(notebook):
    assert notebook.fail("raise ValueError('a\\nb')") == ("ValueError", "a\nb")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="columns came with 3.11")
def test_what_was_evaluated_is_underlined(notebook):
    notebook.fail("é = 1; x = (1 / 0) + 1")
    assert "é = 1; x = (\x1b[4m1 / 0\x1b[24m) + 1" in "\n".join(notebook.only("error")[3])


def test_frames_of_libraries_show_their_source(notebook):
    notebook.fail("import json\njson.loads('{')")
    assert "json/decoder.py" in notebook.traceback()


def test_a_source_that_is_gone_leaves_the_place(notebook):
    notebook.fail("exec(compile('1 / 0', '/nowhere/x.py', 'exec'))")
    assert "File /nowhere/x.py:1" in notebook.traceback()


@pytest.mark.parametrize("mode", ["plain", "Verbose", "context", "Minimal"])
def test_modes(notebook, mode, capfd):
    notebook.run(f"%xmode {mode}")
    assert mode.capitalize() in capfd.readouterr().out
    notebook.fail("def f(): 1 / 0\nf()")
    assert notebook.traceback().endswith("ZeroDivisionError: division by zero")
    assert ("Cell In[2]" in notebook.traceback()) is (mode != "Minimal")


def test_the_host_formats_for_others(notebook):
    try:
        notebook.session.answers.pop()
    except IndexError as error:
        lines = notebook.host.traceback(type(error), error, error.__traceback__)
    assert "IndexError" in lines[-1]


def test_strange_syntax_errors_are_told(notebook):
    notebook.fail("raise SyntaxError")
    notebook.fail("raise SyntaxError('m', ('f', 'one', 'two', 3))")
    notebook.fail("e = SyntaxError('m'); e.msg = e.text = e.lineno = e.offset = {}; raise e")
