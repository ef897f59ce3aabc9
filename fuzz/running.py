"""What all targets share: options, seeds, and the call of atheris."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

__all__ = ["CAPTURES", "parse", "run"]

CAPTURES = Path(__file__).parent.parent / "tests" / "captures" / "asterisk" / "exit_paths"


def parse(description: str | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--corpus", type=Path, help="keep what was found here")
    parser.add_argument("--again", type=Path, help="try this one input and nothing else")
    return parser.parse_args()


def run(
    options: argparse.Namespace,
    target: Callable[[bytes], None],
    write_seeds: Callable[[Path], int],
    longest: int,
    *settings: str,
) -> None:
    """Give *target* inputs of up to *longest* bytes until it fails or the time is over."""
    if options.again:
        target(options.again.read_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        if not write_seeds(seeds):
            sys.exit(f"{CAPTURES}: expected recordings *.ami to begin with, found none")
        found = options.corpus or Path(folder) / "found"
        found.mkdir(parents=True, exist_ok=True)
        arguments = [
            sys.argv[0],
            f"-max_total_time={int(options.minutes * 60)}",
            f"-max_len={longest}",
            "-print_final_stats=1",
            *settings,
            str(found),
            str(seeds),
        ]
        atheris.Setup(arguments, target)
        atheris.Fuzz()
