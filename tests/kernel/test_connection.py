"""Connection files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from wherry_kernel import connection
from wherry_kernel.errors import ConnectionFileError

MEMBERS = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    "shell_port": 1,
    "iopub_port": 2,
    "stdin_port": 3,
    "control_port": 4,
    "hb_port": 5,
    "key": "secret",
    "signature_scheme": "hmac-sha256",
    "curve_publickey": "p" * 40,
    "curve_secretkey": "s" * 40,
    "kernel_name": "wherry",
}


def test_what_is_read_is_written(tmp_path):
    path = tmp_path / "c.json"
    connection.write(path, connection.from_dict(MEMBERS))
    assert json.loads(path.read_text()) == MEMBERS
    assert connection.read(path) == connection.from_dict(MEMBERS)


def test_nobody_else_may_read_the_key(tmp_path):
    path = tmp_path / "new" / "c.json"
    connection.write(path, connection.from_dict(MEMBERS))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    connection.write(path, connection.from_dict(MEMBERS))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_are_not_in_the_repr():
    shown = repr(connection.from_dict(MEMBERS))
    assert "secret'" not in shown
    assert "ssss" not in shown


def test_addresses():
    assert connection.from_dict(MEMBERS).address("shell") == "tcp://127.0.0.1:1"
    assert connection.Connection().address("shell") == "tcp://127.0.0.1:*"
    ipc = connection.Connection(transport="ipc", ip="/run/k", ports={"shell": 3})
    assert ipc.address("shell") == "ipc:///run/k-3"


def test_a_new_connection_has_a_key_of_its_own():
    first, second = connection.new(), connection.new()
    assert first.key != second.key
    assert len(first.key) == 64
    assert connection.new(transport="ipc").ip == "kernel-ipc"


@pytest.mark.parametrize("text", ["", "[]", '{"shell_port": "x"}', "{"])
def test_a_file_that_is_none_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(ConnectionFileError, match=r"c\.json"):
        connection.read(path)


def test_files_are_looked_for_here_and_in_the_runtime_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runtime = Path("/run/jupyter")
    assert connection.locate("k.json", runtime) == runtime / "k.json"
    (tmp_path / "k.json").touch()
    assert connection.locate("k.json", runtime) == Path("k.json")
    assert connection.locate("/abs/k.json", runtime) == Path("/abs/k.json")


@pytest.mark.parametrize(
    "environment",
    [{}, {"JUPYTER_RUNTIME_DIR": "/r"}, {"JUPYTER_DATA_DIR": "/d"}, {"XDG_DATA_HOME": "/x"}],
)
def test_the_runtime_directory_is_jupyters(environment, monkeypatch):
    from jupyter_core.paths import jupyter_runtime_dir

    for name in (
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_DATA_DIR",
        "XDG_DATA_HOME",
        "JUPYTER_PLATFORM_DIRS",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "0")
    assert str(connection.runtime_directory(environment)) == jupyter_runtime_dir()
