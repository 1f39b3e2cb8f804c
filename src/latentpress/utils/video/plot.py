"""`python -m latentpress.utils.video.plot`: what `latentpress.utils.plot` does, for results of videos."""

from __future__ import annotations

import sys

from latentpress.utils.plot import main

if __name__ == "__main__":
    sys.exit(main())
