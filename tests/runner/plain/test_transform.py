import ast

import pytest

from wherry_runner.plain.transform import is_cell_magic, transform


@pytest.mark.parametrize(
    "code",
    [
        "a % b",
        "a %b",
        "x = a %b",
        "x = (a\n%b)",
        "x = a \\\n  %b",
        "a != b",
        "'%time'",
        "'''\n%time\n!ls\nname?\n'''",
        "# %time\n# really?",
        "x = '%d' % 3  # 100%!",
        "f'{x!r}'",
        "d = {\n  'a': 1,\n}",
        "lambda x=1: x",
        "x[a == 1] = b",
    ],
)
def test_python_stays_as_it_is(code):
    assert transform(code) == code


@pytest.mark.parametrize(
    "code,expected",
    [
        ("%time f()", "get_ipython().run_line_magic('time', 'f()')"),
        ("!ls -l", "get_ipython().system('ls -l')"),
        ("!!ls", "get_ipython().getoutput('ls')"),
        ("x = !ls", "x = get_ipython().getoutput('ls')"),
        ("a, b = !ls", "a, b = get_ipython().getoutput('ls')"),
        ("d['k'] = %pwd", "d['k'] = get_ipython().run_line_magic('pwd', '')"),
        ("?f", "get_ipython().run_line_magic('pinfo', 'f')"),
        ("f?", "get_ipython().run_line_magic('pinfo', 'f')"),
        ("a.b[0]??", "get_ipython().run_line_magic('pinfo2', 'a.b[0]')"),
        ("%time?", "get_ipython().run_line_magic('pinfo', '%time')"),
        ("%%time?", "get_ipython().run_line_magic('pinfo', '%%time')"),
        ("*int*?", "get_ipython().run_line_magic('psearch', '*int*')"),
        ("!echo it's \"", "get_ipython().system('echo it\\'s \"')"),
    ],
)
def test_what_is_not_python_becomes_a_call(code, expected):
    assert transform(code) == expected


def test_an_indented_magic_keeps_its_indentation():
    code = "if True:\n    %time f()\n    x = !ls\nelse:\n    pass"
    lines = transform(code).split("\n")
    assert lines[1] == "    get_ipython().run_line_magic('time', 'f()')"
    assert lines[2] == "    x = get_ipython().getoutput('ls')"
    ast.parse(transform(code))


def test_a_quote_in_a_command_does_not_swallow_the_next_lines():
    code = "!echo it's\nx = 1\n%time 'a'\ny = 2"
    tree = ast.parse(transform(code))
    assert [node.lineno for node in tree.body] == [1, 2, 3, 4]


def test_a_command_over_several_lines_keeps_the_line_numbers():
    code = "!echo a \\\n  b\nx = 1"
    transformed = transform(code)
    assert "echo a   b" in transformed
    assert ast.parse(transformed).body[1].lineno == 3


def test_a_cell_magic_takes_the_whole_cell():
    code = "\n%%bash -x\nls | grep '\n"
    assert is_cell_magic(code)
    assert transform(code) == "\nget_ipython().run_cell_magic('bash', '-x', \"ls | grep '\\n\")\n"


def test_indented_code_can_be_pasted():
    assert transform("    x = 1\n    if x:\n        y = 2") == "x = 1\nif x:\n    y = 2"


def test_lines_may_end_as_on_windows():
    assert transform("x = 1\r\n%pwd\r\n").count("\r") == 0


def test_many_lines_take_no_quadratic_time():
    import time

    code = "x = {\n" + "  'a': 1,\n" * 20_000 + "}\n%pwd"
    started = time.process_time()
    transform(code)
    assert time.process_time() - started < 5
