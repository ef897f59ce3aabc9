"""Let everything go wrong for some minutes, and say what it came to.

usage: python -m tests.faults [--full-disk] [--folder FOLDER] [--seed N] [--seconds S]
       python -m tests.faults --report

The first runs one of the two plans and prints what is not as it must be; FOLDER keeps all
logs. The second runs both and writes the figures into docs/reliability.md. A full disk needs
root.
"""

import argparse
import asyncio
import dataclasses
import sys
import tempfile
from pathlib import Path

from tests.faults.outcome import Outcome
from tests.faults.plan import FULL_DISK, MANY_FAULTS, Plan
from tests.faults.report import write_figures
from tests.faults.scenario import run

__all__ = ["main"]


def _run(plan: Plan, folder: Path) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    outcome = asyncio.run(run(plan, folder))
    outcome.write(folder)
    for name, found in outcome.problems.items():
        sys.stdout.write(f"{name}:\n")
        sys.stdout.writelines(f"  {each}\n" for each in found)
    sys.stdout.write(f"{folder}: {len(outcome.problems)} kinds of problems\n")
    return outcome


def main() -> int:
    """Do what the command line asks for; return 1 when something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--full-disk", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="faults-"))
    if options.report:
        many = _run(MANY_FAULTS, folder / "many")
        full = _run(FULL_DISK, folder / "full")
        write_figures(many, full)
        return int(bool(many.problems or full.problems))
    plan = dataclasses.replace(
        FULL_DISK if options.full_disk else MANY_FAULTS, seed=options.seed
    )
    if options.seconds:
        plan = dataclasses.replace(plan, seconds=options.seconds, events=0)
    return int(bool(_run(plan, folder).problems))


if __name__ == "__main__":
    sys.exit(main())
