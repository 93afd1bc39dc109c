"""Times dd2's training steps against their PyTorch twins: alternating, in one run, on the same number of threads.

Both start from the same random weights. First the results of the first steps are compared (losses, norms of the
gradients, generated latents); where they differ by more than the tolerance nothing is timed and the exit code is 1.
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
import torch

from pytorch_twin import Twin, state

TASKS = {
    "cycle": "stage-2 cycle (4 score updates, 1 generator update)",
    "teacher": "teacher training step",
}


class Server:
    """`dd2-bench`, which runs a step whenever it is told to."""

    def __init__(self, program, export, threads):
        environment = dict(os.environ, DD2_THREADS=str(threads))
        self.process = subprocess.Popen(
            [program, "--export", export], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare.py: dd2-bench ended with status {self.process.wait()}")
        return line.strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(file):
    """Differences of the first steps' results, relative to dd2's: a list of (name, dd2's, PyTorch's, difference)."""
    twin, rows = Twin(file), []
    draws = state(file["inputs/cycle/0/generator"])
    with torch.no_grad():
        latents = twin.generator(draws["noise"], draws["labels"].long())
    expected = torch.from_numpy(file["results/latents"][()])
    rows.append(("latents (norm)", expected.norm().item(), latents.norm().item(),
                 ((latents - expected).norm() / expected.norm()).item()))  # fmt: skip
    for step in file["inputs/cycle"]:
        inputs = file["inputs/cycle"][step]
        score_draws = [state(inputs["score"][update]) for update in sorted(inputs["score"], key=int)]
        results = {
            "cycle": twin.cycle(score_draws, state(inputs["generator"])),
            "teacher": twin.train_teacher(state(file["inputs/teacher"][step])),
        }
        for task, metrics in results.items():
            for name, ours in file[f"results/{task}/{step}"].items():
                difference = abs(metrics[name] - ours[()]) / abs(ours[()])
                rows.append((f"{task} {step}: {name}", ours[()], metrics[name], difference))
    return rows


def seconds(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def alternate(contestants, pairs, warm_up):
    """Seconds of each contestant's timed steps; every round runs all of them once, one after the other."""
    times = {name: [] for name in contestants}
    for round_ in range(warm_up + pairs):
        for name, step in contestants.items():
            taken = step()
            if round_ >= warm_up:
                times[name].append(taken)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=".build/release/dd2-bench", help="the Swift side (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of both sides (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=7, help="timed rounds; 0 compares only (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=3, help="rounds before them (default: %(default)s)")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="relative (default: %(default)s)")
    parser.add_argument("--bf16", action="store_true", help="also time PyTorch under bfloat16 autocast")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bench.h5")
        server = Server(options.program, path, options.threads)
        with h5py.File(path) as file:
            rows = compare(file)
            twins = {"PyTorch": Twin(file)} | ({"PyTorch bf16": Twin(file, bf16=True)} if options.bf16 else {})

    report = {
        "backend": server.ask("backend"), "torch": torch.__version__, "threads": options.threads,
        "compared": [dict(zip(("name", "dd2", "torch", "difference"), row)) for row in rows], "seconds": {},
    }  # fmt: skip
    if not options.json:
        print(f"dd2: {report['backend']}\nPyTorch {torch.__version__}, {options.threads} threads\n")
        print(f"{'first steps':40} {'dd2':>12} {'PyTorch':>12}  relative difference")
        for name, ours, theirs, difference in rows:
            print(f"{name:40} {ours:12.6g} {theirs:12.6g}  {difference:.1e}")
    differing = [name for name, *_, difference in rows if not difference <= options.tolerance]
    if differing:
        server.close()
        sys.exit(f"compare.py: results differ by more than {options.tolerance}, nothing timed: {', '.join(differing)}")

    for task in TASKS if options.pairs else ():
        contestants = {"dd2": lambda: float(server.ask(task))}
        for name, twin in twins.items():
            step = twin.cycle if task == "cycle" else twin.train_teacher
            contestants[name] = lambda step=step: seconds(step)
        times = alternate(contestants, options.pairs, options.warm_up)
        report["seconds"][task] = times
        if not options.json:
            print_times(TASKS[task], times)
    server.close()
    if options.json:
        json.dump(report, sys.stdout, indent=1)
        print()


def print_times(title, times):
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"\n{title + ', seconds':52} {'median':>7} {'least':>7} {'most':>7}  dd2 / it")
    for name, values in times.items():
        ratio = f"{medians['dd2'] / medians[name]:8.2f}" if name != "dd2" else ""
        print(f"  {name:50} {medians[name]:7.3f} {min(values):7.3f} {max(values):7.3f}  {ratio}")


if __name__ == "__main__":
    main()
