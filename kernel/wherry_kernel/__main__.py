"""``python -m wherry_kernel``.

What others wait for comes first: the runner's interpreter, which needs longer than we do and has
another core, then the ports, then everything else. So this module breaks the rule of imports at the
top.
"""

import sys

from wherry_kernel.prelaunch import prelaunch


def main() -> int:
    """Run a kernel; returns the exit code."""
    words = sys.argv[1:]
    started = prelaunch(words)

    from wherry_kernel.errors import KernelError
    from wherry_kernel.listening import listen

    try:
        listening = listen(words)
    except KernelError as error:
        if started is not None:
            started.discard()
        print(f"wherry_kernel: {error}", file=sys.stderr)  # noqa: T201 - to whoever started us
        return 1
    from wherry_kernel import app

    return app.main(words, started, listening)


if __name__ == "__main__":
    sys.exit(main())
