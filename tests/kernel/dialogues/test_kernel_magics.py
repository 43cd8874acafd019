"""Magics that belong to a kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kernel.dialogues.conftest import OURS

needs_ipython = pytest.importorskip("IPython")


def payload(transcript):
    (only,) = transcript.reply["payload"]
    return only


def test_a_file_is_shown_in_the_pager(frontend, tmp_path):
    (tmp_path / "notes.txt").write_text("some\nnotes\n")
    for magic in ("less", "more"):
        shown = payload(frontend.run(f"%{magic} {tmp_path / 'notes.txt'}"))
        assert (shown["source"], shown["data"]["text/plain"]) == ("page", "some\nnotes\n")
    (tmp_path / "code.py").write_text("x = 1\n")
    shown = payload(frontend.run(f"%less {tmp_path / 'code.py'}"))
    assert "x" in shown["data"]["text/plain"]


def test_the_pager_needs_a_file(ours):
    assert "expected one" in ours.run("%less").stderr
    assert "No such file" in ours.run("%less /no/such/file").stderr


def test_a_manual_page_is_shown_in_the_pager(frontend):
    assert payload(frontend.run("%man nosuchpage"))["source"] == "page"


def test_the_client_edits(frontend):
    edit = payload(frontend.run("import json\n%edit json"))
    assert edit["source"] == "edit_magic"
    assert edit["filename"] == str(Path(json.__file__).resolve())


def test_the_clients_screen_is_cleared(frontend):
    assert frontend.run("%clear").stdout.startswith("\x1b[H\x1b[2J")


def test_autosave(frontend):
    transcript = frontend.run("%autosave 30")
    assert "30000" in transcript.displays[0]["application/javascript"]
    assert transcript.stdout == "Autosaving every 30 seconds\n"
    assert frontend.run("%autosave 0").stdout == "Autosave disabled\n"
    assert "requires an integer" in frontend.run("%autosave x").stderr


def test_how_to_connect(kernel):
    said = kernel.frontend.run("%connect_info").stdout
    document = json.loads(said.partition("}")[0] + "}")
    assert document["shell_port"] == kernel.manager.shell_port
    assert "--existing" in said


def test_how_to_open_a_console(our_kernel):
    said = our_kernel.frontend.run("%qtconsole").stdout
    assert said == (
        "Run this in a terminal: jupyter qtconsole --existing "
        f"{our_kernel.manager.connection_file}\n"
    )


@pytest.fixture(params=["ipython", "plain"])
def hosted(request, start_kernel):
    running = start_kernel(OURS, f"--WherryKernel.host={request.param}")
    yield running
    running.close()


def test_a_cell_restarts_the_runner(hosted):
    frontend = hosted.frontend
    pid = frontend.run("kept = 1; import os; os.getpid()").results
    transcript = frontend.run("%restart\nprint('this still runs')")
    assert transcript.stdout == "this still runs\n"
    assert transcript.status == "ok"
    assert transcript.reply["payload"] == []
    after = frontend.run("import os; ('kept' in globals(), os.getpid())")
    assert after.reply["execution_count"] == 1
    assert after.results[0].startswith("(False, ")
    assert pid[0] not in after.results[0]
    assert after.stderr == ""


def test_what_waits_behind_a_restart_runs_in_the_new_process(hosted):
    frontend = hosted.frontend
    frontend.run("kept = 1")
    first = frontend.execute("%restart")
    second = frontend.execute("'kept' in globals()")
    assert frontend.transcript(of=first).status == "ok"
    after = frontend.transcript(of=second)
    assert after.results == ["False"]
    assert after.reply["execution_count"] == 1


def test_restart_takes_no_arguments(hosted):
    transcript = hosted.frontend.run("kept = 1\n%restart now")
    assert "takes no arguments" in transcript.stderr + str(transcript.reply)
    assert hosted.frontend.run("kept").results == ["1"]
