"""Commands in the docs do what the page says.

A block that opens with ```` ```console tested ```` is run: each line after ``$ `` in a shell, in a
fresh folder that holds a copy of ``examples/``. What stands below a command is its output, errors
included; a line ``...`` stands for any lines, also none. A command that fails ends the test.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console tested\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks():
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text("utf-8")), 1):
            yield pytest.param(match[1], id=f"{page.relative_to(ROOT)}-{number}")


def commands(block):
    """Split a block into (command, expected output lines)."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.startswith("> "):
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", found[-1][1])
        else:
            found[-1][1].append(line)
    return found


def pattern(lines):
    parts = [r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in lines]
    return re.compile("".join(parts))


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("block", list(blocks()))
def test_the_commands_of_a_page_do_what_it_says(block, folder):
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    for command, expected in commands(block):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        assert pattern(expected).fullmatch(done.stdout), f"$ {command}\n{done.stdout}"


def test_there_are_such_blocks():
    assert list(blocks())


def test_a_page_that_claims_another_output_would_fail():
    assert pattern(["one", "..."]).fullmatch("one\ntwo\n")
    assert not pattern(["one"]).fullmatch("one\ntwo\n")
    assert not pattern(["..."]).fullmatch("no newline at the end")
