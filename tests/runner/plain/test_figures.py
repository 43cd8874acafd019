"""With matplotlib, each test in an interpreter of its own: a backend is chosen once per process."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

RUNNER = Path(__file__).parents[3] / "runner"

PROGRAM = """
import contextlib, json, sys
from wherry_runner.frames import Execute
from wherry_runner.host import Session
from wherry_runner.plain import PlainHost

told = []

class Told(Session):
    def display(self, data, metadata=None, **_):
        assert all(type(value) is str for value in data.values())
        told.append(["display", sorted(data), metadata])
    def result(self, count, data, metadata):
        assert all(type(value) is str for value in data.values())
        told.append(["result", sorted(data), metadata])
    def error(self, ename, evalue, traceback):
        told.append(["error", ename, evalue])
    @contextlib.contextmanager
    def user_code(self):
        yield

class Out:
    def write(self, text):
        if text.strip():
            told.append(["print", text.strip()])
    def flush(self): pass

real, sys.stdout = sys.stdout, Out()
host = PlainHost(Told(), {})
for count, cell in enumerate(json.loads(sys.argv[1]), 1):
    try:
        host.execute(Execute(id="x", code=cell, count=count)).send(None)
    except StopIteration:
        told.append(["done"])
real.write(json.dumps(told))
"""


def run(*cells, backend=None):
    environment = {**os.environ, "PYTHONPATH": str(RUNNER)}
    environment.pop("MPLBACKEND", None)
    if backend:
        environment["MPLBACKEND"] = backend
    cells = json.dumps([textwrap.dedent(cell) for cell in cells])
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, cells],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return [[told[0], "image/png" in told[1]] if told[0] in ("display", "result") else told
            for told in json.loads(finished.stdout)]  # fmt: skip


IMPORT = "import matplotlib.pyplot as plt"


def test_open_figures_are_shown_at_the_end_of_the_cell_and_closed():
    told = run(f"{IMPORT}\nplt.plot([1, 2]); print('drawn')", "print(plt.get_fignums())")
    assert told == [["print", "drawn"], ["display", True], ["done"], ["print", "[]"], ["done"]]


def test_show_shows_at_that_moment():
    told = run(f"{IMPORT}\nplt.plot([1]);\nplt.show()\nprint('after')")
    assert told == [["display", True], ["print", "after"], ["done"]]


def test_a_figure_as_the_result_is_not_shown_twice():
    told = run(f"{IMPORT}\nfig, ax = plt.subplots(); ax.plot([1]); None", f"{IMPORT}\nfig")
    assert told == [["display", True], ["done"], ["result", True], ["done"]]
    told = run(f"{IMPORT}\nfig, ax = plt.subplots(); ax.plot([1])\nfig")
    assert told == [["result", True], ["done"]]


def test_a_figure_shows_itself_on_request():
    told = run(
        f"{IMPORT}\nfig, ax = plt.subplots(); ax.plot([1])\nfig.show()\nprint(1);\nplt.close()"
    )
    assert told == [["display", True], ["print", "1"], ["done"]]


def test_figures_of_a_failed_cell_come_before_the_error():
    told = run(f"{IMPORT}\nplt.plot([1])\n1 / 0")
    assert [each[0] for each in told] == ["display", "error", "done"]


def test_a_figure_that_cannot_be_drawn_is_no_end():
    told = run(f"{IMPORT}\nplt.title('$\\\\frac{{$')\nNone", "print(plt.get_fignums())")
    assert told == [["done"], ["print", "[]"], ["done"]]


def test_the_format_can_be_chosen():
    program = f"%config InlineBackend.figure_format = 'svg'\n{IMPORT}\nplt.plot([1]);"
    assert run(program)[0] == ["display", False]


def test_agg_leaves_figures_alone():
    told = run(f"%matplotlib agg\n{IMPORT}\nplt.plot([1]);", "print(plt.get_fignums())")
    assert told == [["done"], ["print", "[1]"], ["done"]]


def test_inline_brings_them_back():
    told = run(f"%matplotlib agg\n{IMPORT}", "%matplotlib inline\nplt.plot([1]);")
    assert told == [["done"], ["display", True], ["done"]]


def test_another_kernels_backend_is_not_taken_over():
    told = run(f"{IMPORT}\nplt.plot([1]);", backend="module://matplotlib_inline.backend_inline")
    assert told == [["display", True], ["done"]]


def test_a_chosen_backend_is_respected():
    told = run(f"{IMPORT}\nplt.plot([1]);\nprint(plt.get_backend())", backend="svg")
    assert told == [["print", "svg"], ["done"]]


def test_children_draw_without_a_screen():
    assert run("import os; print(os.environ['MPLBACKEND'])")[0] == ["print", "agg"]


def test_matplotlib_is_not_imported_by_us():
    assert run("import sys; print('matplotlib' in sys.modules)")[0] == ["print", "False"]
