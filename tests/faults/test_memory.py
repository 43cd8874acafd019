"""Cells that want more memory than they may have, behind a real client."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.fault

FILL = """# wherry: memory=300M
import time
kept = []
while True:
    kept.append(b"x" * 2_000_000)
    time.sleep(0.002)
"""


def test_a_cell_that_comes_near_its_limit_is_interrupted_and_keeps_what_it_has(frontend) -> None:
    reply, outputs = frontend.run(FILL)
    assert reply["ename"] == "MemoryLimitExceeded"
    assert "variables are kept" in reply["evalue"]
    assert [m["content"]["ename"] for m in outputs if m["msg_type"] == "error"] == [reply["ename"]]
    assert int(frontend.output_of("print(len(kept))")) > 30


def test_a_cell_that_leaps_over_its_limit_is_ended(frontend) -> None:
    reply, _ = frontend.run("# wherry: memory=300M\nkept = b'x' * 400_000_000\nwhile True: pass")
    assert reply["ename"] == "MemoryLimitExceeded"
    assert "All variables of this kernel are lost" in "".join(reply["traceback"])
    frontend.assert_usable()
