"""The program, started as clients start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tests.kernel.dialogues.conftest import ROOTS
from tests.kernel.dialogues.frontend import Frontend
from wherry_kernel.options import SETTINGS


def start(*words, **options):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(ROOTS), **options.pop("env", {})}
    command = [sys.executable, "-m", "wherry_kernel", *words]
    return subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def run(*words, **options):
    with start(*words, **options) as process:
        out, err = process.communicate(timeout=20)
        return process.returncode, out, err


@pytest.fixture
def serve(tmp_path):
    """Start a kernel and return a client; both end with the test."""
    opened = []

    def make(*words, **options):
        path = tmp_path / "connection.json"
        process = start("-f", str(path), *words, **options)
        deadline = time.monotonic() + 10
        while not path.exists() or not path.read_text():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        client = Frontend(json.loads(path.read_text()))
        opened.append((process, client))
        client.wait_for_kernel()
        return client

    yield make
    for process, client in opened:
        client.request("shutdown_request", {"restart": False}, channel="control")
        process.communicate(timeout=10)
        client.close()


def test_help_names_every_setting():
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"--WherryKernel.{name}=" in out for name in SETTINGS)


def test_the_version_is_one_line():
    code, out, _ = run("--version")
    assert code == 0
    assert len(out.split()) == 1


def test_a_setting_that_cannot_be_read_stops_the_start(tmp_path):
    words = ("-f", str(tmp_path / "c.json"), "--WherryKernel.time_limit=soon")
    code, _, err = run(*words)
    assert code == 1
    assert "WherryKernel.time_limit" in err
    assert "Traceback" not in err


def test_a_connection_file_that_is_none_stops_the_start(tmp_path):
    path = tmp_path / "c.json"
    path.write_text("{")
    code, _, err = run("-f", str(path))
    assert code == 1
    assert "no usable connection file" in err


def test_settings_of_files_count_and_the_command_line_wins(serve, tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "jupyter_wherry_config.py").write_text(
        "c.WherryKernel.time_limit = 0.3\nc.WherryKernel.host = 'ipython'"
    )
    client = serve("--WherryKernel.host=plain", env={"JUPYTER_CONFIG_DIR": str(folder)})
    assert client.run("while True: pass").errors == ["TimeLimitExceeded"]
    info = client.ask("kernel_info_request")
    assert info["language_info"]["pygments_lexer"] == "python3"


def test_a_history_file_keeps_the_inputs(serve, tmp_path):
    path = tmp_path / "history.sqlite"
    client = serve(f"--WherryKernel.history_file={path}")
    client.run("'kept'")
    client.run("'and this'")
    content = {"hist_access_type": "tail", "n": 1, "output": False, "raw": True}
    assert client.ask("history_request", content)["history"] == [[1, 2, "'and this'"]]
    assert path.exists()


def test_an_interpreter_that_does_not_exist_is_told_in_every_cell(serve, tmp_path):
    client = serve(f"--WherryKernel.python={tmp_path / 'nowhere'}")
    for _ in range(2):
        transcript = client.run("1")
        assert transcript.status == "error"
        assert "nowhere" in transcript.reply["evalue"]


def test_in_process_it_is_ipykernel_and_says_so(serve):
    client = serve("--WherryKernel.mode=inprocess")
    info = client.ask("kernel_info_request")
    assert info["implementation"] == "ipython"
    assert "Protection against crashes, hangs and memory is off" in info["banner"]
    assert client.run("1").results == ["1"]
