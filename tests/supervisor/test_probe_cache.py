"""Answers are kept while nothing changes, and a bad cache is no worse than none."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time

import pytest

from tests.supervisor.fake_pythons import fake, fake_venv
from wherry_supervisor.probe_cache import ProbeCache, cache_file
from wherry_supervisor.probing import probe


def ask(path):
    return asyncio.run(probe(path))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cache" / "wherry" / "interpreters.json"


@pytest.fixture
def kept(tmp_path, file):
    """An interpreter whose answer is in the file."""
    (tmp_path / "env" / "site-packages").mkdir(parents=True)
    path = fake_venv(
        tmp_path / "env",
        packages={"ipython": "9.1.0"},
        folders=[f"{tmp_path}/env/site-packages", f"{tmp_path}/none/site-packages"],
    )
    found = ask(path)
    cache = ProbeCache(file)
    cache.put(found)
    cache.save()
    return found


def test_the_place_follows_xdg(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file() == tmp_path / "wherry" / "interpreters.json"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_file() == tmp_path / "home" / ".cache" / "wherry" / "interpreters.json"


def test_an_answer_comes_back_as_it_was(kept, file) -> None:
    assert ProbeCache(file).get(kept.path) == kept


def test_the_file_is_for_its_owner_alone_and_nothing_else_is_left(kept, file) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_hit_costs_less_than_a_millisecond(kept, file) -> None:
    cache = ProbeCache(file)
    began = time.process_time()
    for _ in range(100):
        assert cache.get(kept.path)
    assert (time.process_time() - began) / 100 < 0.001


def touch_binary(root):
    (root / "env" / "bin" / "python").write_text("#!/bin/sh\n# another one\n")


def install_package(root):
    (root / "env" / "site-packages" / "numpy-2.0.dist-info").mkdir()


def make_missing_folder(root):
    (root / "none" / "site-packages").mkdir(parents=True)


def change_configuration(root):
    (root / "env" / "pyvenv.cfg").write_text("home = /usr/local/bin\n")


def remove_binary(root):
    (root / "env" / "bin" / "python").unlink()


@pytest.mark.parametrize(
    "change",
    [touch_binary, install_package, make_missing_folder, change_configuration, remove_binary],
)
def test_an_answer_is_dropped_when_what_it_depends_on_changes(kept, file, tmp_path, change) -> None:
    time.sleep(0.01)  # coarse file clocks tick every 4 ms
    change(tmp_path)
    assert ProbeCache(file).get(kept.path) is None


def test_failures_and_launchers_are_not_kept(tmp_path, file) -> None:
    cache = ProbeCache(file)
    shim = fake(tmp_path / "shims" / "python", executable="/usr/bin/python3.12")
    for path in (shim, tmp_path / "none"):
        found = ask(path)
        cache.put(found)
        assert cache.get(found.path) is None
    cache.save()
    assert not file.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'{"format": 0, "entries": {}}',
        b'{"format": 1, "entries": []}',
        b'{"format": 1}',
        b"[" * 100_000,
    ],
)
def test_a_corrupt_file_is_ignored_and_rewritten(kept, file, content) -> None:
    file.write_bytes(content)
    cache = ProbeCache(file)
    assert cache.get(kept.path) is None
    cache.put(kept)
    cache.save()
    assert ProbeCache(file).get(kept.path) == kept


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"marks": 3, "probe": {}},
        {"marks": [[]], "probe": {}},
        {"marks": [], "probe": {}},
        {"marks": [], "probe": {"folders": [], "path": 3, "usable": True}},
        {"marks": [["\0", None, None]], "probe": []},
    ],
)
def test_a_corrupt_entry_is_ignored(kept, file, entry) -> None:
    file.write_text(json.dumps({"format": 1, "entries": {kept.path: entry}}))
    assert ProbeCache(file).get(kept.path) is None


def test_two_writers_keep_each_others_answers(kept, file, tmp_path) -> None:
    other = ask(fake(tmp_path / "other" / "bin" / "python"))
    one, two = ProbeCache(file), ProbeCache(file)
    one.put(dataclasses.replace(kept, reason="newer"))
    two.put(other)
    one.save()
    two.save()
    both = ProbeCache(file)
    assert both.get(kept.path).reason == "newer"
    assert both.get(other.path) == other


def test_what_is_gone_is_forgotten_at_the_next_write(kept, file, tmp_path) -> None:
    (tmp_path / "env" / "bin" / "python").unlink()
    cache = ProbeCache(file)
    cache.put(ask(fake(tmp_path / "other" / "bin" / "python")))
    cache.save()
    assert kept.path not in json.loads(file.read_text())["entries"]


def test_a_cache_that_cannot_be_written_is_no_error(kept, tmp_path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    cache = ProbeCache(tmp_path / "blocked" / "interpreters.json")
    cache.put(kept)
    cache.save()
    assert cache.get(kept.path) == kept
