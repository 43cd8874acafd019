"""A session that records what the shell sends, and a notebook to type into."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import os
import sys

import pytest

from wherry_runner.frames import Execute
from wherry_runner.host import Outcome, Session
from wherry_runner.plain import PlainHost


class FakeSession(Session):
    """Records calls as (name, ...) in the order in which they come."""

    def __init__(self):
        self.sent = []
        self.answers = []
        self.depth = 0

    def display(self, data, metadata=None, *, transient=None, update=False, buffers=()):
        self.sent.append(("display", data, metadata or {}, transient or {}, update))

    def result(self, count, data, metadata):
        self.sent.append(("result", count, data, metadata))

    def error(self, ename, evalue, traceback):
        assert not self.depth, "an interrupt here would tear the frame"
        self.sent.append(("error", ename, evalue, list(traceback)))

    def clear(self, *, wait=False):
        self.sent.append(("clear", wait))

    def input(self, prompt, *, password=False):
        self.sent.append(("input", prompt, password))
        return self.answers.pop(0)

    @contextlib.contextmanager
    def user_code(self):
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    async def drive(self, awaitable):
        with self.user_code():
            return await awaitable


class Notebook:
    """Runs cells one after another and answers with what one wants to know of them."""

    def __init__(self):
        self.session = FakeSession()
        self.host = PlainHost(self.session, {})
        self.shell = self.host._shell
        self.count = 0

    @property
    def names(self):
        return self.shell.namespace.names

    def execute(self, code, **members) -> Outcome:
        self.session.sent.clear()
        self.count += 1
        coroutine = self.host.execute(Execute(id="x", code=code, count=self.count, **members))
        if "await" in code or "async " in code:
            return asyncio.run(coroutine)
        with pytest.raises(StopIteration) as stop:
            coroutine.send(None)
        return stop.value.value

    def run(self, code, **members):
        """Execute and return the Out text, None without one. An error fails the test."""
        outcome = self.execute(code, **members)
        assert outcome.status == "ok", self.traceback()
        result = self.only("result")
        return None if result is None else result[2]["text/plain"]

    def fail(self, code, **members):
        """Execute and return (ename, evalue). The traceback is in `traceback`."""
        outcome = self.execute(code, **members)
        assert outcome.status != "ok"
        return self.only("error")[1:3]

    def traceback(self):
        return plain("\n".join(self.only("error")[3]))

    def only(self, name):
        found = [sent for sent in self.session.sent if sent[0] == name]
        assert len(found) <= 1
        return found[0] if found else None

    def all(self, name):
        return [sent for sent in self.session.sent if sent[0] == name]

    def matches(self, code):
        """Complete at the bar ``|``."""
        cursor = code.index("|")
        return self.host.complete(code.replace("|", ""), cursor)[0]

    def completed(self, code, match):
        """Complete at the bar and return the code with `match` put in."""
        cursor = code.index("|")
        code = code.replace("|", "")
        matches, start, end, _ = self.host.complete(code, cursor)
        assert match in matches
        return code[:start] + match + code[end:]

    def info(self, code, detail=0):
        """Inspect at the bar and return the text, None when nothing is found."""
        cursor = code.index("|")
        data = self.host.inspect(code.replace("|", ""), cursor, detail)
        return None if data is None else data["text/plain"]


def plain(text):
    """Return `text` without colours."""
    parts = text.split("\x1b[")
    return parts[0] + "".join(part.partition("m")[2] for part in parts[1:])


@pytest.fixture
def notebook(capfd, monkeypatch, tmp_path):
    saved = dict(vars(builtins))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("MPLBACKEND", "")
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)
    monkeypatch.setattr(sys, "ps1", "", raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "argv", [""])
    environment = dict(os.environ)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)
    made = Notebook()
    yield made
    present = vars(builtins)
    for name in present.keys() - saved.keys():
        del present[name]
    present.update(saved)
    os.environ.clear()
    os.environ.update(environment)
