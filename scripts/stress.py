"""Disturb featrank as a machine, a network or a person may, and count what came of it.

Exit 0 where nothing was lost, wrong or left behind, 1 otherwise.

    python scripts/stress.py --minutes 10
    python scripts/stress.py --only flips,claims --count 300 --seed 7
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stress_campaigns import claims, flips, links, names, shared_memory, signals, transients
from stress_campaigns.bench import Bench
from stress_campaigns.figures import Figures

CAMPAIGNS: dict[str, Callable[[int, random.Random, Bench], Figures]] = {
    "signals": signals.run,
    "flips": flips.run,
    "claims": claims.run,
    "links": links.run,
    "shared memory": shared_memory.run,
    "transients": transients.run,
    "names": names.run,
}
_CASES_A_TURN = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaigns, print the figures; 1 where there are faults."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", default=",".join(CAMPAIGNS), help="campaigns, comma-separated")
    parser.add_argument("--count", type=int, default=10, help="cases of each campaign")
    parser.add_argument("--minutes", type=float, help="turn by turn until the time is over")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args(arguments)
    chosen = given.only.split(",")
    if unknown := set(chosen) - set(CAMPAIGNS):
        parser.error(f"no campaign {', '.join(sorted(unknown))}; there are {', '.join(CAMPAIGNS)}")
    rngs = {name: random.Random(f"{given.seed} {name}") for name in chosen}
    figures = {name: Figures() for name in chosen}
    end = time.monotonic() + 60 * given.minutes if given.minutes else None
    with tempfile.TemporaryDirectory(prefix="featrank-stress-") as folder:
        bench = Bench(Path(folder))
        while True:
            for name in chosen:
                if end is None or time.monotonic() < end:
                    count = given.count if end is None else _CASES_A_TURN
                    figures[name].add(CAMPAIGNS[name](count, rngs[name], bench))
            if end is None or time.monotonic() >= end:
                break
    for name in chosen:
        print("\n".join(figures[name].lines(name)))
    if given.json:
        given.json.write_text(json.dumps({n: f.document for n, f in figures.items()}, indent=1))
    return int(any(found.faults for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
