"""How cells become files, and how lines of one become lines of the other."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipykernel.compiler import murmur2_x86

from wherry_runner.debugging.cell_files import SEED, CellFiles, murmur2, read, source_map


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@given(st.text())
def test_the_hash_is_the_one_that_clients_compute(text):
    text = text.encode("utf-8", "replace").decode()
    assert murmur2(text.encode(), SEED) == murmur2_x86(text, SEED)


def test_a_cell_is_written_under_the_name_that_stands_for_it(folder):
    files = CellFiles(1)
    path = files.dump("x = 'ü'\r\n")
    assert path == files.path("x = 'ü'\r\n")
    assert Path(path).read_bytes() == "x = 'ü'\r\n".encode()
    assert read(path) == "x = 'ü'\n"


def test_a_worker_that_follows_finds_the_same_folder(folder):
    assert CellFiles(7).prefix == CellFiles(7).prefix
    assert CellFiles(7).prefix != CellFiles(8).prefix


def test_the_folder_is_private_and_made_when_it_is_needed(folder):
    files = CellFiles(1)
    assert list(folder.iterdir()) == []
    path = files.dump("x")
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("trap", ["open", "link", "file"])
def test_a_folder_that_others_prepared_is_not_taken(folder, trap):
    wanted = folder / "wherry_1"
    if trap == "open":
        wanted.mkdir()
        wanted.chmod(0o777)
    elif trap == "link":
        (folder / "elsewhere").mkdir(mode=0o700)
        wanted.symlink_to(folder / "elsewhere")
    else:
        wanted.write_text("")
    prefix = CellFiles(1).prefix
    assert prefix != f"{wanted}{os.sep}"
    assert stat.S_IMODE(Path(prefix).stat().st_mode) == 0o700


def test_a_folder_that_others_made_meanwhile_is_refused(folder):
    files = CellFiles(1)
    (folder / "wherry_1").mkdir()
    (folder / "wherry_1").chmod(0o777)
    with pytest.raises(PermissionError, match="belongs to others"):
        files.dump("x")


def test_the_folder_is_removed_once_and_again(folder):
    files = CellFiles(1)
    files.dump("x")
    files.remove()
    files.remove()
    assert list(folder.iterdir()) == []


def test_a_cell_can_be_written_after_the_folder_was_removed(folder):
    files = CellFiles(1)
    files.remove()
    assert read(files.dump("x")) == "x"


@pytest.mark.parametrize("path", [None, 3, "/nowhere/at/all.py", "/"])
def test_what_is_no_file_has_no_text(path):
    assert read(path) is None


def test_lines_are_the_same_where_the_shell_drops_nothing():
    found = source_map("/tmp/1.py", "a\nb", "a\nb\n", "<cell 1>")
    assert found == {
        "source": {"path": "/tmp/1.py"},
        "pydevdSourceMaps": [
            {
                "line": 1,
                "endLine": 2,
                "runtimeSource": {"path": "<cell 1>"},
                "runtimeLine": 1,
            }
        ],
    }


def test_empty_lines_that_the_shell_dropped_are_counted():
    (entry,) = source_map("p", "\n  \na\nb", "a\nb\n", "<cell 1>")["pydevdSourceMaps"]
    assert (entry["line"], entry["endLine"], entry["runtimeLine"]) == (3, 4, 1)


def test_empty_lines_that_the_shell_kept_are_not():
    (entry,) = source_map("p", "\n\na", "\n\na", "<cell 1>")["pydevdSourceMaps"]
    assert entry["line"] == 1
