"""The command line: ``callmon run``, ``check``, ``replay`` and so on.

Everything heavy is imported by the command that needs it, so that ``callmon --help`` and a
container's health check are quick. Exit codes: 0 good, 1 the answer is no, 2 wrong usage.
"""

import errno
import os
import sys
from collections.abc import Sequence

from callmon.cli.commands import commands

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in *arguments* (default: those of the process); return the exit code."""
    try:
        commands.main(args=arguments, prog_name="callmon")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # What is left to be flushed would fail again, at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"callmon: {error.strerror}: not all could be written\n")
        return 1
