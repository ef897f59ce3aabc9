"""Run every benchmark, one after the other: ``make bench``."""

import subprocess
import sys

BENCHMARKS = (
    "lines",
    "scrape",
    "engine",
    "stall",
    "ami",
    "ami_feed",
    "mqtt",
    "journal",
    "backtest",
    "restart",
    "wallboard",
)


def main() -> int:
    """Run them; return 1 when one of them failed."""
    failed = False
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"bench.{name}"]
        failed |= subprocess.run(command, check=False, timeout=1_800).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
