"""Lines per CPU second of the whole path, beside mtail on the same log in the same run.

The path: bytes, lines, events, contacts, windows, thresholds (those of config/), and at
the end one page of metrics. mtail counts and observes waits; it holds no state per call.
Two programs for it: one expression per line (a), one per kind of event (b).
Usage: python -m bench.lines [--lines 1000000] [--rounds 3]
"""

import argparse
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.centre import write_log

ROOT = Path(__file__).parent.parent
BLOCK = 256 * 1024
PORT = "13903"
PROGRAMS = ("mtail_a", "mtail_b")


def callmon(log: Path) -> float:
    """Read *log* through the engine in this process; return CPU seconds."""
    from callmon.config import load_config  # noqa: PLC0415  # not part of what is timed
    from callmon.decode.queue_log import QueueLogDecoder  # noqa: PLC0415
    from callmon.engine import Engine  # noqa: PLC0415
    from callmon.sinks.prometheus import exposition  # noqa: PLC0415

    environ = {"STATE_DIRECTORY": "/nowhere"}
    config = load_config(ROOT / "config" / "callmon.yml", environ)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    began = time.process_time()
    decoder = QueueLogDecoder("pbx")
    engine = Engine(config.engine_settings())
    with log.open("rb") as file:
        while block := file.read(BLOCK):
            engine.apply_all(decoder.decode(block))
            engine.drain()
    exposition(engine.states(), list(engine.watches()), engine.now)
    return time.process_time() - began


def mtail(log: Path, program: str) -> float:
    """Let mtail read *log* once; return CPU seconds."""
    command = [
        "mtail", "--one_shot", "--logs", str(log), "--progs", str(ROOT / "bench" / program),
        "--address", "127.0.0.1", "--port", PORT, "--one_shot_format", "prometheus",
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def in_child(log: Path) -> float:
    """Run ``callmon`` in a process of its own, as mtail is."""
    command = [sys.executable, "-m", "bench.lines", "--one", str(log)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, check=True, capture_output=True, timeout=300, cwd=ROOT, env=environ
    )
    return float(done.stdout)


def main() -> None:
    """Print the figures of every round and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=Path)
    options = parser.parse_args()
    if options.one is not None:
        print(callmon(options.one))
        return
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "queue_log"
        write_log(log, options.lines)
        lines = log.read_bytes().count(b"\n")
        rates: dict[str, list[float]] = {"callmon": []}
        for _ in range(options.rounds):
            rates["callmon"].append(lines / in_child(log))
            for program in PROGRAMS if shutil.which("mtail") else ():
                rates.setdefault(program, []).append(lines / mtail(log, program))
    medians = {name: sorted(rate)[len(rate) // 2] for name, rate in rates.items()}
    print(f"{lines} lines; lines per CPU second, median of {options.rounds}:")
    for name, rate in medians.items():
        print(f"  {name:8} {rate:10,.0f}   callmon is {medians['callmon'] / rate:.2f} times")
    print(json.dumps({"lines": lines} | {name: round(r) for name, r in medians.items()}))


if __name__ == "__main__":
    main()
