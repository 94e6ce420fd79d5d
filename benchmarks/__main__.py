"""Side-by-side measurements: `make bench`, or `python -m benchmarks [startup] [targets] [loops]`.

Nothing here is asserted: times belong to the machine that they were taken on, so they are printed with its description.
"""

import argparse

from benchmarks import loops, startup, targets
from benchmarks.machine import describe_machine

PARTS = {"startup": startup.main, "targets": targets.main, "loops": loops.main}


def main():
    parser = argparse.ArgumentParser(description="Measure the course beside its peers.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which measurements; default all")
    chosen = parser.parse_args().parts or list(PARTS)
    print(describe_machine())
    for name in chosen:
        PARTS[name]()


if __name__ == "__main__":
    main()
