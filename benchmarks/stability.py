"""Twenty seeds of each of the eight networks at budget `quick`: how far test accuracies lie apart, and what collapses.

Each training is what the lesson does with its main network; only the seed of weights, order and dropout differs. Two
networks train at a time, one thread each. `python -m benchmarks stability --seeds 0-4 --networks nin` does a part.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from benchmarks.sides import chosen, run_side
from benchmarks.small_forms import SMALL_FORMS
from workflow.leaderboard import COLLAPSED
from workflow.lessons import parse_seeds
from workflow.records import REFERENCE

SHARE_OF_PEER = 0.5  # of the peer's standard deviation, at most


def main(arguments=()):
    """Train, and print the table; a line to stderr for each network that is through."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stability")
    parser.add_argument("--seeds", default="0-19")
    parser.add_argument("--networks", default=",".join(SMALL_FORMS))
    parser.add_argument("--workers", type=int, default=2, help="networks that train at a time")
    options = parser.parse_args(arguments)
    names = chosen(parser, options.networks, SMALL_FORMS)
    with ThreadPoolExecutor(options.workers) as pool:
        results = dict(zip(names, pool.map(lambda n: _run(n, options.seeds), names), strict=True))
    print(table(results).to_string(index=False))


def table(results):
    """One row a network of `{network: [test accuracies]}`, beside the peer's standard deviation where it is known."""
    peers = pd.read_csv(REFERENCE / "peers.csv").set_index("network")
    rows = []
    for network, accuracies in results.items():
        values = pd.Series(accuracies)
        peer = peers.standard_deviation[network]
        rows.append(
            {
                "network": network,
                "runs": len(values),
                "mean": f"{values.mean():.4f}",
                "least": f"{values.min():.4f}",
                "largest": f"{values.max():.4f}",
                "standard deviation": f"{values.std():.4f}",
                "peer's": "" if pd.isna(peer) else f"{peer:.3f}",
                "at most half": "" if pd.isna(peer) else bool(values.std() <= SHARE_OF_PEER * peer),
                "collapsed": int((values < COLLAPSED).sum()),
            }
        )
    return pd.DataFrame(rows)


def _run(network, seeds):
    accuracies = run_side("-m", "benchmarks.stability", network, seeds)
    print(f"{network}: {len(accuracies)} seeds trained", file=sys.stderr, flush=True)
    return accuracies


def _train_seeds(network, seeds):
    from benchmarks.small_forms import images_of, parameters_of, train
    from cnnlib import lesson, training

    lesson.reproducible(0, threads=1)
    parameters = parameters_of(network, "quick")
    images = images_of(parameters)
    accuracies = []
    for seed in seeds:
        model, _ = train(network, parameters, seed, images)
        accuracies.append(training.evaluate(model, images.test)["top1"])
    print(json.dumps(accuracies))


if __name__ == "__main__":
    _train_seeds(sys.argv[1], parse_seeds(sys.argv[2]))
