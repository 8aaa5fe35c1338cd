"""As upstream's: imported for its logger, and links a directory into the current one."""

import contextlib
import logging
from pathlib import Path

logger = logging.getLogger("EB_logger")
link_path = Path(__file__).parent / "envs/eb_habitat/data"
with contextlib.suppress(FileExistsError):
    Path("data").symlink_to(link_path)
