"""The `wherry` command: finds the group of verbs that is meant, and turns refusals into words.

Exit codes: 0 done, 1 not done (the message says why), 2 interrupted, 64 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from wherry_kernel import facts
from wherry_kernel.errors import KernelError
from wherry_supervisor.errors import SupervisorError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, INTERRUPTED = 0, 1, 2
#: EX_USAGE of sysexits.h; argparse's own 2 means an interrupt here.
USAGE = 64

#: Groups of verbs: the module's `add_verbs(parser)` describes them. Imported when it is meant.
GROUPS = {"kernel": ("wherry_kernel.kernel_commands", "install, list and remove kernels")}


class Parser(argparse.ArgumentParser):
    """Says what was wrong and where help is, and leaves by our exit code."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\nsee {self.prog} --help\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    try:
        chosen = _parser(words[0] if words else "").parse_args(words)
        return int(chosen.run(chosen))
    except SystemExit as leaving:
        return int(leaving.code or DONE)
    except (KernelError, SupervisorError) as error:
        print(f"wherry: {error}", file=sys.stderr)  # noqa: T201 - a command speaks
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # `wherry kernel list | head`: what is left has no reader, nor has the interpreter's flush.
        sys.stdout = None
        return DONE


def _parser(group: str) -> Parser:
    parser = Parser(prog="wherry", description="Kernels whose Python is supervised.")
    parser.add_argument("--version", action="version", version=facts.version())
    groups = parser.add_subparsers(metavar="GROUP", required=True)
    for name, (module, summary) in GROUPS.items():
        added = groups.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        if name == group:
            import_module(module).add_verbs(added)
    return parser


if __name__ == "__main__":
    sys.exit(main())
