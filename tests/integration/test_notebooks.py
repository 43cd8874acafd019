"""Real notebooks through unchanged clients: `jupyter execute` and papermill.

Each notebook runs once with each client. What it shows must be what ipykernel shows for it, apart
from what no two runs share: addresses, times, process ids.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def run(*command, cwd, expected=0):
    """Run a client as people do, with the environment's own programs first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    del environment["PYTEST_CURRENT_TEST"]  # ipykernel captures no descriptors where it sees this
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == expected, ANSI.sub("", done.stdout)[-3000:]


def execute(notebook, kernel, folder):
    """`jupyter execute` writes beside its input when it is given a bare name, so use a copy."""
    target = folder / notebook.name
    shutil.copy(notebook, target)
    run("jupyter", "execute", "--inplace", f"--kernel_name={kernel}", target, cwd=folder)
    return json.loads(target.read_text("utf-8"))


@pytest.fixture
def folder(tmp_path):
    shutil.copy(EXAMPLES / "ferry.csv", tmp_path)
    return tmp_path


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def text(part):
    return ANSI.sub("", part if isinstance(part, str) else "".join(part))


def printed(cell, name="stdout"):
    return "".join(text(o["text"]) for o in cell["outputs"] if o.get("name") == name)


def shown(cell):
    """Reduce a cell to what two kernels must agree on."""
    outputs = cell["outputs"]
    rich = [
        (o["output_type"], {kind: comparable(kind, value) for kind, value in o["data"].items()})
        for o in outputs
        if "data" in o
    ]
    errors = [(o["ename"], o["evalue"]) for o in outputs if o["output_type"] == "error"]
    return {
        "stdout": without_times(printed(cell)),
        "stderr": without_places(printed(cell, "stderr")),
        "rich": rich,
        "errors": [(ename, without_places(evalue)) for ename, evalue in errors],
        "count": cell["execution_count"],
    }


def comparable(kind, value):
    """Pictures depend on nothing but the data, but their bytes hold the library's metadata."""
    if kind == "image/png":
        return "a picture"
    return re.sub(r"0x[0-9a-f]+", "0x", text(value)) if isinstance(value, str | list) else value


def without_times(written):
    return re.sub(r"[\d.]+ (ns|[mµμ]?s)\b", "some time", written)


def without_places(written):
    """Cells are files with a process id or a hash in their name: `/tmp/ipykernel_123/456.py`."""
    return re.sub(
        r'(File )?"?(<ipython-input-[^>]*>|[^\s"(]*(\.py|In\[\d+\]))"?', "a file", written
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_ipykernel_shows(notebook, folder):
    ours = code_cells(execute(notebook, "wherry", folder))
    theirs = code_cells(execute(notebook, "python3", folder))
    for mine, reference in zip(ours, theirs, strict=True):
        assert shown(mine) == shown(reference), "".join(mine["source"])


def papermill(notebook, folder):
    """papermill runs what comes after a tagged error, and then fails for it, with any kernel."""
    source = code_cells(json.loads(notebook.read_text("utf-8")))
    fails = any("raises-exception" in cell["metadata"].get("tags", []) for cell in source)
    target = folder / "out.ipynb"
    command = ("papermill", "-k", "wherry", "--no-progress-bar", notebook, target)
    run(*command, cwd=folder, expected=1 if fails else 0)
    return code_cells(json.loads(target.read_text("utf-8")))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_papermill_runs_every_cell(notebook, folder):
    cells = papermill(notebook, folder)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    shutil.copy(EXAMPLES / "ferry.csv", folder)
    return code_cells(execute(EXAMPLES / "tour.ipynb", "wherry", folder))


def test_the_tour_survives_its_crash(tour):
    crash = next(n for n, cell in enumerate(tour) if "crash" in cell["metadata"].get("tags", []))
    assert "about to read address 0" in printed(tour[crash])
    (error,) = (o for o in tour[crash]["outputs"] if o["output_type"] == "error")
    assert error["ename"] == "RunnerCrashed"
    assert "SIGSEGV" in error["evalue"]
    assert "read_nothing" in text("\n".join(error["traceback"]))
    after = printed(tour[crash + 1])
    assert "gone, as it should be" in after
    assert "still here: 731 days" in after


def test_the_cells_of_the_tour_are_counted_through(tour):
    assert [cell["execution_count"] for cell in tour] == list(range(1, len(tour) + 1))


def test_the_tour_shows_who_wrote_in_which_order(tour):
    cell = next(cell for cell in tour if "libc.puts" in "".join(cell["source"]))
    assert [line[0] for line in printed(cell).splitlines()] == list("12345")


def test_the_tour_draws_tables_pictures_and_progress(tour):
    kinds = {kind for cell in tour for o in cell["outputs"] for kind in o.get("data", {})}
    assert {"text/html", "image/png", "image/svg+xml"} <= kinds
    bar = next(cell for cell in tour if "view.update" in "".join(cell["source"]))
    assert "24 of 24" in text(bar["outputs"][0]["data"]["text/html"])


def test_the_tour_gets_to_its_end_in_papermill(folder):
    assert "still here: 731 days" in printed(papermill(EXAMPLES / "tour.ipynb", folder)[-1])


def test_the_notebooks_are_stored_without_outputs():
    for path in [EXAMPLES / "tour.ipynb", *NOTEBOOKS]:
        notebook = json.loads(path.read_text("utf-8"))
        assert notebook["metadata"]["kernelspec"]["name"] == "wherry"
        assert not any(cell["outputs"] for cell in code_cells(notebook)), path.name
