"""Settings from files."""

from __future__ import annotations

import json
import sys

import pytest

from wherry_kernel.config_files import NAME, directories, load
from wherry_kernel.errors import OptionError


@pytest.fixture
def own(tmp_path):
    return {"JUPYTER_CONFIG_DIR": str(tmp_path)}


def test_the_directories_are_jupyters(tmp_path):
    found = [
        str(each)
        for each in directories({"JUPYTER_CONFIG_DIR": "/own", "JUPYTER_CONFIG_PATH": "/a"})
    ]
    assert found[-2:] == ["/own", "/a"]
    assert f"{sys.prefix}/etc/jupyter" in found


def test_without_files_nothing_is_set(own):
    assert load(own) == {}


def test_a_python_file(own, tmp_path):
    (tmp_path / f"{NAME}.py").write_text(
        "c = get_config()\nc.WherryKernel.time_limit = 60\nc.Other.x = 1"
    )
    assert load(own) == {"time_limit": 60}


def test_a_json_file_and_a_named_file_that_wins(own, tmp_path):
    (tmp_path / f"{NAME}.json").write_text(
        json.dumps({"WherryKernel": {"spare": False, "host": "plain"}})
    )
    named = tmp_path / "named.py"
    named.write_text("c.WherryKernel.spare = True")
    assert load(own, str(named)) == {"spare": True, "host": "plain"}


def test_a_file_that_fails_is_named(own, tmp_path):
    (tmp_path / f"{NAME}.py").write_text("1 / 0")
    with pytest.raises(OptionError, match=r"jupyter_wherry_config.py: ZeroDivisionError"):
        load(own)
