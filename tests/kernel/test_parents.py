"""Which request a frame belongs to."""

from __future__ import annotations

from wherry_kernel.parents import Parents


def test_headers_are_found_by_our_own_ids():
    parents = Parents()
    first = parents.add(b"1", is_execution=True)
    second = parents.add(b"2", is_execution=False)
    assert first != second
    assert (parents[first], parents[second]) == (b"1", b"2")


def test_what_is_unknown_belongs_to_the_latest_execution():
    parents = Parents()
    assert parents["?"] == b"{}"
    id = parents.add(b"1", is_execution=True)
    parents.add(b"2", is_execution=True)
    parents.started(id)
    assert parents["?"] == b"1"


def test_the_oldest_is_forgotten_first():
    parents = Parents(remembered=2)
    ids = [parents.add(str(n).encode(), is_execution=True) for n in range(3)]
    parents.started(ids[2])
    assert [parents[id] for id in ids] == [b"2", b"1", b"2"]
