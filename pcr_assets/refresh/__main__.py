"""``python -m pcr_assets.refresh``: see :mod:`pcr_assets.refresh.command`."""

import sys

from pcr_assets.refresh.command import main

sys.exit(main())
