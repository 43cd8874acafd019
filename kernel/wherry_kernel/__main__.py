"""``python -m wherry_kernel``.

The first thing that happens is that the runner's interpreter starts: it needs longer than we do,
and on another core. So this module breaks the rule of imports at the top.
"""

import sys

from wherry_kernel.prelaunch import prelaunch

started = prelaunch(sys.argv[1:])

from wherry_kernel.app import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], started))
