"""Times dd2's Inception-V3 and Frechet distance against pytorch-fid's: the same weights, taking turns, in one run.

Features (pytorch-fid's preprocessing, 299x299, float32) and the distance of two sets of 2048-dimensional statistics are
compared first; where they differ by more than the tolerance nothing is timed and the exit code is 1. PyTorch runs with
the thread count of those tried that is fastest, dd2 with its default, one thread a core.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import torch
from pytorch_fid import fid_score, inception

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"


class Server:
    """`dd2-bench inception`, which answers lines."""

    def __init__(self, arguments):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"inception.py: dd2-bench ended with status {self.process.wait()}")
        return line.strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def statistics_of(seed, dimension):
    """Statistics as of many more samples than dimensions."""
    draws = np.random.default_rng(seed).standard_normal((2 * dimension, dimension))
    features = draws * np.linspace(0.2, 1.5, dimension) + 0.01 * seed
    return features.mean(0), np.cov(features, rowvar=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=5, help="turns that count (default 5)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--weights", help="pytorch-fid's file (default: synthetic weights)")
    parser.add_argument("--program", default=".build/release/dd2-bench")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of the largest feature")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights or os.path.join(folder, WEIGHTS)
        if not options.weights:
            script = [sys.executable, "scripts/make-synthetic-weights.py", "inception", folder]
            subprocess.run(script, check=True, stdout=sys.stderr)
        inception.load_state_dict_from_url = lambda *_, **__: torch.load(weights, map_location="cpu", weights_only=True)
        network = inception.InceptionV3([3]).eval()
        images = np.random.default_rng(0).integers(0, 256, (options.batch, 299, 299, 3), dtype=np.uint8)
        sets = [statistics_of(seed, 2048) for seed in (1, 2)]
        data, results = os.path.join(folder, "input.h5"), os.path.join(folder, "output.h5")
        with h5py.File(data, "w") as file:
            file["images"] = images
            for index, (mean, covariance) in enumerate(sets, 1):
                file[f"mu_{index}"], file[f"sigma_{index}"] = mean, covariance
        server = Server([options.program, "inception", weights, data, results])
        with h5py.File(results) as file:
            features, distance = file["features"][()], file["distance"][()].item()
        report(options, network, images, sets, server, features, distance)
        server.process.stdin.close()
        server.process.wait()


def report(options, network, images, sets, server, features, distance):
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255

    def twin_features():
        with torch.inference_mode():
            return network(batch)[0].flatten(1).numpy()

    def twin_distance():
        return fid_score.calculate_frechet_distance(*sets[0], *sets[1])

    expected = twin_features()
    feature_error = float(np.abs(features - expected).max() / np.abs(expected).max())
    distance_error = abs(distance / twin_distance() - 1)
    print(f"features differ by {feature_error:.1e}, distances by {distance_error:.1e}", file=sys.stderr)
    if not (feature_error < options.tolerance and distance_error < 1e-6):
        sys.exit("inception.py: the results differ; nothing is timed")

    cores = len(os.sched_getaffinity(0))
    tried = {}
    for threads in sorted({1, max(1, cores // 2), cores}):
        torch.set_num_threads(threads)
        twin_features()
        tried[threads] = min(timed(twin_features)[0] for _ in range(2))
    threads = min(tried, key=tried.get)
    torch.set_num_threads(threads)
    server.ask("features"), twin_features()

    times = {"dd2_features": [], "pytorch_features": [], "dd2_frechet": [], "scipy_frechet": []}
    for _ in range(options.pairs):
        times["dd2_features"].append(float(server.ask("features")))
        times["pytorch_features"].append(timed(twin_features)[0])
    for _ in range(max(1, options.pairs // 2)):
        times["dd2_frechet"].append(float(server.ask("frechet")))
        times["scipy_frechet"].append(timed(twin_distance)[0])
    median = {name: statistics.median(values) for name, values in times.items()}
    rate = {name: len(images) / median[f"{name}_features"] for name in ("dd2", "pytorch")}
    ratios = {
        "features": rate["dd2"] / rate["pytorch"],
        "frechet": median["scipy_frechet"] / median["dd2_frechet"],
    }
    if options.json:
        print(json.dumps({
            "backend": server.ask("backend"), "torch": torch.__version__, "torch_threads": threads,
            "batch": len(images), "images_per_second": rate, "seconds": times, "ratios": ratios,
            "feature_error": feature_error, "distance_error": distance_error,
        }, indent=2))
        return
    print(f"{server.ask('backend')}; PyTorch {torch.__version__}, {threads} threads, batch {len(images)}")
    print(f"features: dd2 {rate['dd2']:.2f} images/s, PyTorch {rate['pytorch']:.2f}: {ratios['features']:.2f} times")
    print(f"Frechet distance, 2048: dd2 {median['dd2_frechet']:.2f} s, SciPy {median['scipy_frechet']:.2f} s: "
          f"{ratios['frechet']:.2f} times")


if __name__ == "__main__":
    main()
