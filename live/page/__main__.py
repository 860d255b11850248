"""The page's process; the supervisor starts it, and starts it again."""

import sys

from live.page.serve import main

if __name__ == "__main__":
    sys.exit(main())
