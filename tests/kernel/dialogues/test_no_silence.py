"""The invariant: each request ends in a reply and an idle status, whatever happens meanwhile."""

from __future__ import annotations

import random
import time

import pytest

from tests.kernel.dialogues.conftest import OURS

CELLS = (
    "1 + 1",
    "print('x' * 1000)",
    "1 / 0",
    "this is no python",
    "import time; time.sleep(0.05)",
    "import time; time.sleep(60)",
    "while True: pass",
    "import asyncio; await asyncio.sleep(60)",
    "input('?')",
    "import os; os._exit(1)",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "import sys; sys.stdout = None",
    "import os; os.close(1)",
    "import sys; sys.exit()",
)

QUESTIONS = (
    ("kernel_info_request", {}),
    ("complete_request", {"code": "pri", "cursor_pos": 3}),
    ("inspect_request", {"code": "print", "cursor_pos": 3, "detail_level": 0}),
    ("is_complete_request", {"code": "for x in y:"}),
    ("history_request", {"hist_access_type": "tail", "n": 3, "output": True, "raw": True}),
    ("comm_info_request", {}),
    ("nonsense_request", {"a": 1}),
    ("complete_request", {"code": 7}),
    ("execute_request", {}),
)


@pytest.mark.fault
@pytest.mark.parametrize("seed", range(6))
def test_no_request_goes_unanswered(start_kernel, seed):
    dice = random.Random(seed)
    kernel = start_kernel(OURS)
    try:
        _shake(kernel.frontend, dice)
        assert kernel.frontend.run("'still here'").results == ["'still here'"]
    finally:
        kernel.close()


def _shake(client, dice) -> None:
    asked: list[str] = []
    for _ in range(40):
        throw = dice.random()
        if throw < 0.35:
            code = dice.choice(CELLS)
            options = {"allow_stdin": dice.random() < 0.5, "stop_on_error": dice.random() < 0.7}
            asked.append(client.execute(code, silent=dice.random() < 0.2, **options))
        elif throw < 0.85:
            kind, content = dice.choice(QUESTIONS)
            channel = dice.choice(["shell", "control"])
            asked.append(client.request(kind, content, channel=channel))
        elif throw < 0.95:
            asked.append(client.interrupt())
        else:
            client._pump(dice.random() * 0.3)
    _expect_all(client, asked)


def _expect_all(client, asked: list[str]) -> None:
    """Endless cells are ended by interrupts; everything else ends by itself."""
    deadline = time.monotonic() + 40
    waiting = set(asked)
    while waiting:
        assert time.monotonic() < deadline, f"unanswered: {waiting}"
        client.interrupt()
        client._pump(0.3)
        waiting = {id for id in waiting if not _is_over(client, id)}


def _is_over(client, id: str) -> bool:
    ended = any(m["content"] == {"execution_state": "idle"} for m in client._outputs[id])
    return ended and len(client._replies[id]) == 1
