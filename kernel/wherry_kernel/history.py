"""Section "History": the inputs of this kernel's sessions, kept outside of the runner.

Here they survive a crash. The user's own IPython history is never touched: this kernel also runs
in batch, where a thousand generated cells would bury what a person typed. With a file set, the
schema is IPython's, so IPython's tools can read it.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from wherry_kernel.wire.history import HistoryRequest

log = logging.getLogger("wherry.kernel")

Entry = tuple[int, int, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (session integer primary key autoincrement, start timestamp,
    end timestamp, num_cmds integer, remark text);
CREATE TABLE IF NOT EXISTS history (session integer, line integer, source text, source_raw text,
    PRIMARY KEY (session, line));
CREATE TABLE IF NOT EXISTS output_history (session integer, line integer, output text,
    PRIMARY KEY (session, line));
"""

#: IPython's rule: to leave is not worth remembering, and up-arrow must not offer it.
_EXIT = re.compile(r"(exit|quit)(\s*\(.*\))?\s*;?\s*\Z")

#: Of equal inputs the latest one stands for all, as in IPython.
_LATEST_OF_EQUALS = """ AND session * 1000000000 + line IN
    (SELECT MAX(session * 1000000000 + line) FROM history GROUP BY source_raw)"""

#: What a ``tail`` without `n` means.
DEFAULT_TAIL = 10


class History:
    """One session's inputs and outputs, and those of the file's earlier sessions.

    Recording costs a list append; the database is opened at the first question, or by `save`.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._inputs: list[tuple[int, str]] = []
        self._outputs: dict[int, str] = {}
        self._unsaved_inputs: list[tuple[int, str]] = []
        self._unsaved_outputs: dict[int, str] = {}
        self._database: sqlite3.Connection | None = None
        self._session = 0

    @property
    def is_kept(self) -> bool:
        """There is a file, so `save` is worth calling."""
        return self._path is not None

    def record(self, line: int, code: str) -> None:
        """Remember an input that is about to run."""
        if _EXIT.match(code.strip()):
            return
        entry = (line, code.rstrip("\n"))
        self._inputs.append(entry)
        self._unsaved_inputs.append(entry)

    def record_output(self, line: int, text: str) -> None:
        """Remember the plain text of a result."""
        self._outputs[line] = self._unsaved_outputs[line] = text

    def answer(self, request: HistoryRequest) -> list[Entry]:
        """Return the entries that a ``history_request`` asks for, oldest first."""
        if request.access == "tail":
            return self._tail(request)
        if request.access == "range":
            return self._range(request)
        if request.access == "search":
            return self._search(request)
        return []

    def save(self) -> None:
        """Write what is not written yet. A file that cannot be written is logged, not raised."""
        import sqlite3

        try:
            self._write()
        except sqlite3.Error as error:
            log.warning("the history is not saved to %s: %s", self._path, error)
            self._path, self._database = None, None
            self._unsaved_inputs, self._unsaved_outputs = list(self._inputs), dict(self._outputs)

    def begin_session(self) -> None:
        """Count from 1 again, as after a restart; earlier sessions are found in the file, if any.

        Without a file they are forgotten: what is not to be kept ends with the process it was for.
        """
        self.close()
        self._inputs.clear()
        self._outputs.clear()
        self._unsaved_inputs.clear()
        self._unsaved_outputs.clear()

    def close(self) -> None:
        """Save to the file, if there is one, and close it; twice is fine."""
        if self._path is not None and self._unsaved_inputs:
            self.save()
        if self._database is not None:
            self._database.execute(
                "UPDATE sessions SET end = ?, num_cmds = ? WHERE session = ?",
                (_now(), len(self._inputs), self._session),
            )
            self._database.commit()
            self._database.close()
            self._database = None

    # --- questions ---

    def _tail(self, request: HistoryRequest) -> list[Entry]:
        n = DEFAULT_TAIL if request.n is None else max(request.n, 0)
        where = "ORDER BY session DESC, line DESC LIMIT ?"
        return list(reversed(self._query(where, (n,), output=request.output)))

    def _search(self, request: HistoryRequest) -> list[Entry]:
        where = "WHERE history.source_raw GLOB ?"
        if request.unique:
            where += _LATEST_OF_EQUALS
        if request.n is None:
            where += " ORDER BY session, line"
            return self._query(where, (request.pattern,), output=request.output)
        where += " ORDER BY session DESC, line DESC LIMIT ?"
        found = self._query(where, (request.pattern, request.n), output=request.output)
        return list(reversed(found))

    def _range(self, request: HistoryRequest) -> list[Entry]:
        if request.session == 0:
            return self._current(request)
        self._open()  # only now is our own number known
        session = request.session + (self._session if request.session < 0 else 0)
        where = "WHERE session = ? AND line >= ?"
        values: tuple[int, ...] = (session, request.start)
        if request.stop:
            where += " AND line < ?"
            values += (request.stop,)
        return self._query(where + " ORDER BY line", values, output=request.output)

    def _current(self, request: HistoryRequest) -> list[Entry]:
        """Counted like IPython's list of inputs: from line 0, which is blank; session is 0."""
        lines: list[tuple[int, str]] = [(0, ""), *self._inputs]
        end = lines[-1][0] + 1
        start = request.start + (end if request.start < 0 else 0)
        stop = end if not request.stop else request.stop + (end if request.stop < 0 else 0)
        return [
            (0, line, (code, self._outputs.get(line)) if request.output else code)
            for line, code in lines
            if start <= line < stop
        ]

    def _query(self, where: str, values: Iterable[Any], *, output: bool) -> list[Entry]:
        self._write()
        columns = "session, line, history.source_raw"
        table = "history"
        if output:
            columns += ", output_history.output"
            table += " LEFT JOIN output_history USING (session, line)"
        # Only our own constants are put together here; values are bound.
        rows = self._open().execute(f"SELECT {columns} FROM {table} {where}", tuple(values))  # noqa: S608
        if output:
            return [(session, line, (code, text)) for session, line, code, text in rows]
        return [(session, line, code) for session, line, code in rows]

    # --- storage ---

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            import sqlite3

            database = sqlite3.connect(self._path or ":memory:", timeout=1.0)
            database.executescript(_SCHEMA)
            row = database.execute("INSERT INTO sessions (start) VALUES (?)", (_now(),))
            self._session = row.lastrowid or 1
            database.commit()
            self._database = database
        return self._database

    def _write(self) -> None:
        database = self._open()
        with database:
            database.executemany(
                "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)",
                [
                    (self._session, line, _clean(code), _clean(code))
                    for line, code in self._unsaved_inputs
                ],
            )
            database.executemany(
                "INSERT OR REPLACE INTO output_history VALUES (?, ?, ?)",
                [(self._session, line, _clean(t)) for line, t in self._unsaved_outputs.items()],
            )
        self._unsaved_inputs.clear()
        self._unsaved_outputs.clear()


def _clean(text: str) -> str:
    """SQLite stores UTF-8, which has no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(sep=" ")
