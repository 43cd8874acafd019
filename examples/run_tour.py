"""Run the tour, crash included, and leave the notebook and a web page of it in build/demo."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

HERE = Path(__file__).parent
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", default="wherry", help="name of the kernelspec (wherry)")
    parser.add_argument("--to", type=Path, default=HERE.parent / "build" / "demo")
    options = parser.parse_args()

    notebook = nbformat.read(HERE / "tour.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name=options.kernel,
        timeout=60,
        coalesce_streams=True,  # what is overtyped is one line, as on a terminal
        resources={"metadata": {"path": str(HERE)}},
    )
    failure = ""
    begin = time.monotonic()
    try:
        client.execute()
    except (CellExecutionError, DeadKernelError) as error:
        failure = str(error)
    seconds = time.monotonic() - begin

    options.to.mkdir(parents=True, exist_ok=True)
    executed, page = options.to / "tour.ipynb", options.to / "tour.html"
    nbformat.write(notebook, executed)
    body, _ = HTMLExporter().from_notebook_node(
        notebook, resources={"metadata": {"name": "Two years at the ferry desk"}}
    )
    page.write_text(body, encoding="utf-8")

    for line in summary(notebook, seconds):
        print(line)
    print(f"\nnotebook  {_short(executed)}\npage      {_short(page)}")
    if failure:
        print(f"\nThe tour did not get to its end:\n{failure}", file=sys.stderr)
    return 1 if failure else 0


def summary(notebook: Any, seconds: float) -> list[str]:
    """Say how much ran, and what the crash and the cell after it said."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = [cell for cell in cells if cell.execution_count]
    lines = [f"{len(ran)} of {len(cells)} cells in {seconds:.1f} s"]
    for number, cell in enumerate(cells):
        if "crash" in cell.metadata.get("tags", []):
            lines += ["", "the cell that crashes said:", *_said(cell)]
            lines += ["", "the cell after it said:", *_said(cells[number + 1])]
    return lines


def _said(cell: Any) -> list[str]:
    text = ""
    for output in cell.outputs:
        if output.output_type == "stream":
            text += output.text
        elif output.output_type == "error":
            text += "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
    lines = ANSI.sub("", text).splitlines()
    return [f"  | {line}" for line in lines if line.strip()] or ["  (nothing)"]


def _short(path: Path) -> Path:
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
