"""What is made of an interpreter's answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.supervisor.fake_pythons import facts
from wherry_supervisor.python_facts import Probe, from_facts


def found(prefix: str, **changed) -> Probe:
    path = f"{prefix}/bin/python"
    return from_facts(path, facts(Path(path), **changed))


@pytest.mark.parametrize(
    "prefix, changed, kind, name",
    [
        ("/usr", {}, "system", "python3.12.1"),
        ("/usr", {"implementation": "pypy"}, "system", "pypy3.12.1"),
        ("/w/shop/.venv", {"base_prefix": "/usr"}, "venv", "shop"),
        ("/w/envs/analysis", {"base_prefix": "/usr"}, "venv", "analysis"),
        ("/opt/conda/envs/geo", {"conda": True}, "conda", "geo"),
        ("/h/.pyenv/versions/3.12.1", {}, "pyenv", "3.12.1"),
        ("/h/.local/share/uv/python/cpython-3.12.1", {}, "uv", "cpython-3.12.1"),
        ("/elsewhere/versions/3.12.1", {}, "system", "python3.12.1"),
    ],
)
def test_kind_and_name_follow_from_the_prefix(prefix, changed, kind, name) -> None:
    probe = found(prefix, **changed)
    assert (probe.kind, probe.name) == (kind, name)


def test_homes_of_their_own_are_known_by_their_variables(monkeypatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", "/srv/pythons/")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", "/srv/uvs")
    assert found("/srv/pythons/versions/3.9").kind == "pyenv"
    assert found("/srv/uvs/cpython-3.12").kind == "uv"


@pytest.mark.parametrize(
    "version, number",
    [("3.13.0rc1+", (3, 13, 0)), ("3.9", (3, 9)), ("2.7.18", (2, 7, 18))],
)
def test_versions_compare_as_numbers(version, number) -> None:
    assert found("/usr", version=version).number == number


def test_a_probe_that_failed_has_no_number_but_a_name() -> None:
    probe = Probe("/w/broken/bin/python", usable=False, reason="broken")
    assert (probe.number, probe.ipython) == ((), None)
    assert probe.name


@given(st.dictionaries(st.sampled_from(sorted(facts(Path("/x/bin/p")))), st.none() | st.integers()))
def test_odd_answers_are_refused_or_taken_but_nothing_else(changed) -> None:
    try:
        found("/usr", **changed)
    except (ValueError, TypeError, KeyError, AttributeError):
        return
