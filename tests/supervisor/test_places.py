"""Where interpreters are looked for, on a machine made of folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.supervisor.fake_pythons import fake, fake_venv, script
from wherry_supervisor.places import (
    Surroundings,
    candidates,
    identity,
    interpreter_in,
    on_path,
    parse_py_list,
)


@pytest.fixture
def machine(tmp_path):
    """Make surroundings below `tmp_path`: nothing of the real machine is seen."""

    def make(running=None, **env) -> Surroundings:
        return Surroundings(
            env={name: str(value) for name, value in env.items()},
            home=tmp_path / "home",
            running=running,
            root=tmp_path / "root",
        )

    return make


def paths(around: Surroundings, folder: Path | None = None) -> list[Path]:
    return [candidate.path for candidate in candidates(around, folder=folder)]


def test_an_empty_machine_has_none(machine) -> None:
    assert paths(machine()) == []


def test_the_real_machine_has_the_one_that_runs_us() -> None:
    around = Surroundings.here()
    found = {identity(candidate.path) for candidate in candidates(around)}
    assert identity(around.running) in found


@pytest.mark.parametrize(
    "place",
    [
        "home/.virtualenvs/a",
        "home/.local/share/virtualenvs/a-x1",
        "home/.cache/pypoetry/virtualenvs/a-x1-py3.12",
        "home/.local/share/hatch/env/virtual/a/x1/test",
        "home/miniconda3/envs/a",
        "home/.conda/envs/a",
        "root/opt/conda/envs/a",
        "home/.pyenv/versions/3.12.1",
        "home/.pyenv/versions/3.12.1/envs/a",
        "home/.asdf/installs/python/3.12.1",
        "home/.local/share/mise/installs/python/3.12.1",
        "home/.local/share/uv/python/cpython-3.12.1-linux",
        "root/usr",
        "root/usr/local",
        "root/opt/python312",
    ],
)
def test_a_usual_place_is_looked_at(machine, tmp_path, place) -> None:
    python = fake(tmp_path / place / "bin" / "python3")
    if "envs" in place or "virtual" in place:
        (tmp_path / place / "pyvenv.cfg").touch()
    assert paths(machine()) == [python]


@pytest.mark.parametrize(
    "variable, below",
    [
        ("VIRTUAL_ENV", "."),
        ("CONDA_PREFIX", "."),
        ("WORKON_HOME", "a"),
        ("POETRY_CACHE_DIR", "virtualenvs/a"),
        ("POETRY_VIRTUALENVS_PATH", "a"),
        ("HATCH_DATA_DIR", "env/virtual/a/x1/test"),
        ("CONDA_ENVS_PATH", "a"),
        ("MAMBA_ROOT_PREFIX", "envs/a"),
        ("PYENV_ROOT", "versions/3.12.1"),
        ("UV_PYTHON_INSTALL_DIR", "cpython-3.12.1"),
        ("XDG_DATA_HOME", "uv/python/cpython-3.12.1"),
    ],
)
def test_a_variable_moves_a_place(machine, tmp_path, variable, below) -> None:
    python = fake_venv(tmp_path / "there" / below)
    assert paths(machine(**{variable: tmp_path / "there"})) == [python]


def test_conda_is_found_by_its_program_and_its_list(machine, tmp_path) -> None:
    root, listed = tmp_path / "forge", tmp_path / "elsewhere"
    (root / "conda-meta").mkdir(parents=True)
    expected = [fake(root / "bin" / "python"), fake(listed / "bin" / "python")]
    (tmp_path / "home" / ".conda").mkdir(parents=True)
    (tmp_path / "home" / ".conda" / "environments.txt").write_text(f"{listed}\n\n/not/there\n")
    assert paths(machine(CONDA_EXE=root / "bin" / "conda")) == expected


def test_only_names_of_interpreters_count_on_the_path(machine, tmp_path) -> None:
    here = tmp_path / "bin"
    for name in ("python3-config", "python-argcomplete", "ipython", "pythonw2", "pydoc3"):
        script(here / name)
    (here / "python3.9").write_text("not executable")
    wanted = [fake(here / name) for name in ("pypy3", "python", "python3.13t")]
    assert sorted(paths(machine(PATH=here))) == wanted


def test_relative_entries_of_the_path_are_not_used(machine, tmp_path, monkeypatch) -> None:
    fake(tmp_path / "bin" / "python")
    monkeypatch.chdir(tmp_path)
    around = machine(PATH=os.pathsep.join([".", "", "bin"]))
    assert paths(around) == []
    assert on_path(around, "python") is None


def test_names_of_one_interpreter_are_one_candidate(machine, tmp_path) -> None:
    real = fake(tmp_path / "bin" / "python3.12")
    for name in ("python", "python3"):
        (tmp_path / "bin" / name).symlink_to("python3.12")
    (tmp_path / "merged").symlink_to("bin")
    around = machine(PATH=f"{tmp_path}/bin{os.pathsep}{tmp_path}/merged")
    assert paths(around) == [tmp_path / "bin" / "python"]
    assert identity(real) == identity(tmp_path / "merged" / "python3")


def test_a_venv_stays_apart_from_its_base_and_from_other_venvs(machine, tmp_path) -> None:
    base = fake(tmp_path / "base" / "bin" / "python3")
    expected = [base]
    for name in ("one", "two"):
        binaries = tmp_path / "home" / ".virtualenvs" / name / "bin"
        binaries.mkdir(parents=True)
        (binaries.parent / "pyvenv.cfg").touch()
        (binaries / "python").symlink_to(base)
        expected.append(binaries / "python")
    assert paths(machine(PATH=base.parent)) == expected


def test_shims_are_left_out_and_lead_to_their_versions(machine, tmp_path) -> None:
    shim = fake(tmp_path / "pe" / "shims" / "python3")
    python = fake(tmp_path / "pe" / "versions" / "3.12.1" / "bin" / "python")
    around = machine(PATH=shim.parent)
    assert paths(around) == [python]
    assert on_path(around, "python3") == shim


def test_what_is_active_comes_first_and_installations_last(machine, tmp_path) -> None:
    (tmp_path / "project").mkdir()
    active = fake_venv(tmp_path / "active")
    near = fake_venv(tmp_path / "project" / ".venv")
    on = fake(tmp_path / "bin" / "python")
    running = fake_venv(tmp_path / "running")
    env = fake_venv(tmp_path / "home" / ".virtualenvs" / "a")
    system = fake(tmp_path / "root" / "usr" / "bin" / "python3")
    around = machine(running=running, VIRTUAL_ENV=tmp_path / "active", PATH=on.parent)
    found = candidates(around, folder=tmp_path / "project")
    assert [each.path for each in found] == [active, near, on, running, env, system]
    assert [each.origin for each in found] == [
        "active",
        "folder",
        "path",
        "running",
        "environment",
        "installation",
    ]


def test_the_nearest_venv_above_a_folder_belongs_to_it(machine, tmp_path) -> None:
    fake_venv(tmp_path / ".venv")
    near = fake_venv(tmp_path / "a" / "venv")
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    assert paths(machine(), folder) == [near]


def test_a_folder_that_is_an_environment_counts_itself(machine, tmp_path) -> None:
    python = fake_venv(tmp_path / "mine")
    assert paths(machine(), tmp_path / "mine") == [python]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_strangers_venv_above_is_not_run(machine, tmp_path) -> None:
    fake_venv(tmp_path / "shared" / ".venv")
    mine = tmp_path / "shared" / "mine"
    mine.mkdir()
    os.chown(tmp_path / "shared" / ".venv", 4321, 4321)
    assert paths(machine(), mine) == []
    os.chown(mine, 4321, 4321)  # it is theirs, and we were asked to work there
    assert paths(machine(), mine) == [tmp_path / "shared" / ".venv" / "bin" / "python"]


def test_a_broken_environment_is_a_candidate_too(machine, tmp_path) -> None:
    broken = tmp_path / "home" / ".virtualenvs" / "old"
    (broken / "bin").mkdir(parents=True)
    (broken / "pyvenv.cfg").touch()
    (broken / "bin" / "python").symlink_to("/gone/python3")
    assert paths(machine()) == [broken / "bin" / "python"]


def test_an_environment_with_an_odd_name_for_its_python(tmp_path) -> None:
    python = fake(tmp_path / "bin" / "python3.12")
    assert interpreter_in(tmp_path) == python
    assert interpreter_in(tmp_path / "bin") is None


def test_the_list_of_windows_launcher_is_read_in_both_styles() -> None:
    text = (
        " -V:3.12 *        C:\\Program Files\\Python312\\python.exe\r\n"
        " -3.9-64          C:\\Python39\\python.exe\r\n"
        "No others.\r\n"
    )
    assert parse_py_list(text) == [
        "C:\\Program Files\\Python312\\python.exe",
        "C:\\Python39\\python.exe",
    ]
