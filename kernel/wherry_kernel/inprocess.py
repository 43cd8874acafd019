"""``mode = inprocess``: ipykernel itself, for hosts that forbid subprocesses.

Says plainly what is missing: on stderr, where servers log it, and in the banner.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WARNING = (
    "Wherry runs in-process: code runs inside the kernel, as in ipykernel. Protection against "
    "crashes, hangs and memory is off, and interrupts are ipykernel's."
)


def run(words: Sequence[str]) -> int:
    """Run ipykernel with the given command line until it ends."""
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    class InProcessKernel(IPythonKernel):
        @property
        def banner(self) -> str:  # type: ignore[override] # a property there as well, untyped
            return f"{WARNING}\n{super().banner}"

    print(WARNING, file=sys.stderr, flush=True)  # noqa: T201 - the log may be filtered, this not
    app: Any = IPKernelApp.instance(kernel_class=InProcessKernel)
    app.initialize([word for word in words if not word.startswith("--WherryKernel.")])
    app.start()
    return 0
