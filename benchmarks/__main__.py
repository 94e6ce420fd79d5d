"""Side-by-side measurements: `make bench`, or `python -m benchmarks <part> [its options]`.

Nothing here is asserted: times belong to the machine that they were taken on, so they are printed with its description.
"""

import argparse
import importlib

from benchmarks.machine import describe_machine

PARTS = {
    "startup": "seconds until anything trains",
    "loops": "images a second: the fused epoch, stock fit, plain PyTorch",
    "input_overhead": "what flips and crops cost",
    "compile_once": "what a second training of an equal architecture still pays",
    "to_target": "seconds to d2l's median: its recipe under fit, and ours",
    "targets": "what the lessons reach at budget cpu, beside what they should",
    "one_process": "the course's wall time beside its trainings in one process",
    "stability": "twenty seeds of the eight networks",
    "tune": "choose epochs and learning rates on validation images",
}
ON_DEMAND = ("one_process", "stability", "tune")  # half an hour and more: named, or left out


def main():
    listed = "\n".join(f"  {name:15} {purpose}" for name, purpose in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure the course beside its peers. Parts:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=PARTS, help=f"default: all but {', '.join(ON_DEMAND)}")
    chosen, options = parser.parse_known_args()
    if options and chosen.part is None:
        parser.error(f"unrecognised: {' '.join(options)}")
    print(describe_machine(), flush=True)
    for name in [chosen.part] if chosen.part else [name for name in PARTS if name not in ON_DEMAND]:
        importlib.import_module(f"benchmarks.{name}").main(options)


if __name__ == "__main__":
    main()
