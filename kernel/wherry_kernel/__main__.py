"""``python -m wherry_kernel``."""

import sys

from wherry_kernel.app import main

sys.exit(main())
