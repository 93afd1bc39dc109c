#!/usr/bin/env python3
"""Compares `dd2 fid` with pytorch-fid, torch-fidelity and clean-fid: same images, same weights, one table.

    scripts/compare-fid-tools.sh [--count N] [--size WxH] [--images DIR REF] [--weights FILE] [--json]

Unless --images names two folders, they are N images of the bundled one-step generator and N of the reference split of
shapes32. Weights are synthetic unless --weights names pytorch-fid's file. Each tool runs as published on those weights:

    pytorch-fid     its calculate_fid_given_paths                     --protocol pytorch-fid
    torch-fidelity  its calculate_metrics, inception-v3-compat        --protocol adm
    clean-fid       its compute_fid and compute_kid, mode clean       --protocol clean

clean-fid's network is a TorchScript file that only its server has; pytorch-fid's, which is the same network, takes its
place behind clean-fid's own reading, resizing and scaling. No tool has sFID: torch-fidelity's FID of the first 7 channels
of its Mixed_6d.branch1x1 takes that place.

KID and the Inception Score are compared exactly: dd2 draws as NumPy's RandomState does, seed 2020. torch-fidelity and
clean-fid compute KID in float32, torch-fidelity distances too, and this shows in the result. So what they print is listed,
and what the same code gives for the same features in float64 is compared.

Rows that count and differ by more than --tolerance end the script with status 1. Images, features and results are kept in
--work, so that a second run takes seconds.
"""

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys

import numpy as np
import torch
from PIL import Image

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
SEED = 2020
SUBSETS = 1000
METRICS = {"pytorch-fid": "fid", "adm": "fid,sfid,is,kid,pr", "clean": "fid,kid"}
DIMENSIONS = 2048


def say(text):
    print(f"compare-fid-tools: {text}", file=sys.stderr, flush=True)


def sha256(*parts):
    value = hashlib.sha256()
    for part in parts:
        value.update(part if isinstance(part, bytes) else str(part).encode())
        value.update(b"\0")
    return value.hexdigest()


def sha256_of_file(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pngs(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".png"))


class Work:
    """The folder where images, features and results are kept."""

    def __init__(self, options):
        self.options = options
        self.folder = os.path.abspath(options.work)
        os.makedirs(self.folder, exist_ok=True)
        self.weights = options.weights or os.path.join(self.folder, WEIGHTS)
        if not os.path.exists(self.weights):
            say("writing synthetic weights")
            script = [sys.executable, os.path.join(SCRIPTS, "make-synthetic-weights.py"), "inception", self.folder]
            subprocess.run(script, check=True, stdout=sys.stderr)
        self.weights_hash = sha256_of_file(self.weights)
        self.images, self.reference = options.images or self.render()
        self.hashes = {}

    def render(self):
        count = str(self.options.count)
        folders = []
        for name, command in [
            ("one-step", ["sample", "--one-step"]), ("reference", ["data", "render", "--split", "reference"]),
        ]:
            folder = os.path.join(self.folder, f"{name}-{count}")
            if not os.path.isdir(folder) or len(pngs(folder)) != self.options.count:
                subprocess.run([self.options.dd2, *command, "--count", count, "-o", folder], check=True, stdout=sys.stderr)
            folders.append(self.scaled(folder) if self.options.size else folder)
        return folders

    def scaled(self, folder):
        """The same images larger or smaller, with noise: what every resize makes something else of."""
        width, height = self.options.size
        result = f"{folder}-{width}x{height}"
        os.makedirs(result, exist_ok=True)
        for index, name in enumerate(pngs(folder)):
            path = os.path.join(result, name)
            if os.path.exists(path):
                continue
            image = Image.open(os.path.join(folder, name)).convert("RGB").resize((width, height), Image.BICUBIC)
            noise = np.random.default_rng(index).integers(-40, 41, (height, width, 3))
            Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8)).save(path)
        return result

    def hash(self, folder):
        folder = os.path.abspath(folder)
        if folder not in self.hashes:
            parts = [part for name in pngs(folder) for part in (name, sha256_of_file(os.path.join(folder, name)))]
            self.hashes[folder] = sha256(*parts)
        return self.hashes[folder]

    def arrays(self, tool, folder, compute):
        """A dictionary of arrays that follow from tool, images and weights, computed once."""
        versions = [importlib.metadata.version(name) for name in (tool, "torch", "pillow")]
        key = sha256(tool, *versions, self.hash(folder), self.weights_hash, self.options.batch)
        path = os.path.join(self.folder, f"{tool}-{key[:16]}.npz")
        if not os.path.exists(path):
            say(f"{tool}: features of {folder}")
            with torch.inference_mode():
                found = compute()
            with open(path + ".part", "wb") as file:
                np.savez(file, **found)
            os.replace(path + ".part", path)
        with np.load(path) as file:
            return dict(file)

    def dd2(self, protocol):
        """What `dd2 fid` prints."""
        command = [
            self.options.dd2, "fid", "--images", self.images, "--ref", self.reference, "--metrics", METRICS[protocol],
            "--extractor", "inception", "--protocol", protocol, "--weights", self.weights, "--seed", str(SEED),
            "--no-cache", "--json",
        ]
        key = sha256(
            sha256_of_file(self.options.dd2), self.hash(self.images), self.hash(self.reference), self.weights_hash,
            *command[6:10], *command[12:])
        path = os.path.join(self.folder, f"dd2-{protocol}-{key[:16]}.json")
        if not os.path.exists(path):
            say("running " + " ".join(command))
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            with open(path + ".part", "wb") as file:
                file.write(output)
            os.replace(path + ".part", path)
        with open(path) as file:
            return json.load(file)


def load_state_dict(work):
    return torch.load(work.weights, map_location="cpu", weights_only=True)


def pytorch_fid(work):
    from pytorch_fid import fid_score, inception

    inception.load_state_dict_from_url = lambda *_, **__: load_state_dict(work)
    original = fid_score.get_activations

    def kept(files, *arguments, **names):
        folder = os.path.dirname(files[0])
        return work.arrays("pytorch-fid", folder, lambda: {"2048": original(files, *arguments, **names)})["2048"]

    fid_score.get_activations = kept
    fid = fid_score.calculate_fid_given_paths(
        [work.images, work.reference], work.options.batch, "cpu", DIMENSIONS, num_workers=0)
    return [("FID", "fid", float(fid), True)]


def torch_fidelity(work):
    from torch_fidelity import metric_fid, metric_kid, metric_prc, metrics

    original = metrics.extract_featuresdict_from_input_id_cached
    spatial = {}

    def kept(input_id, extractor, **names):
        folder = names[f"input{input_id}"]

        def compute():
            found = []
            handle = extractor.Mixed_6d.branch1x1.register_forward_hook(
                lambda _, __, output: found.append(output[:, :7].flatten(1).clone()))
            features = {name: value.numpy() for name, value in original(input_id, extractor, **names).items()}
            handle.remove()
            return {**features, "spatial": torch.cat(found).numpy()}

        arrays = {name: torch.from_numpy(value) for name, value in work.arrays("torch-fidelity", folder, compute).items()}
        spatial[input_id] = arrays.pop("spatial")
        arrays_of[input_id] = arrays["2048"]
        return arrays

    arrays_of = {}
    metrics.extract_featuresdict_from_input_id_cached = kept
    size = min(SUBSETS, len(pngs(work.images)), len(pngs(work.reference)))
    settings = {"kid_subset_size": size, "rng_seed": SEED, "save_cpu_ram": True, "verbose": False}
    found = metrics.calculate_metrics(
        input1=work.images, input2=work.reference, cuda=False, batch_size=work.options.batch, cache=False,
        feature_extractor="inception-v3-compat", feature_extractor_weights_path=work.weights, feature_layer_prc="2048",
        isc=True, fid=True, kid=True, prc=True, **settings)
    doubles = [arrays_of[input_id].double() for input_id in (1, 2)]
    kid = metric_kid.kid_features_to_metric(*doubles, **settings)
    prc = metric_prc.prc_features_to_metric(*doubles, **settings)
    statistics = [metric_fid.fid_features_to_statistics(spatial[input_id]) for input_id in (1, 2)]
    sfid = metric_fid.fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]
    return [
        ("FID", "fid", found["frechet_inception_distance"], True),
        ("sFID (its FID of a hook's output)", "sfid", sfid, True),
        # Synthetic weights tell classes hardly apart: what IS is beyond 1, its value for equal images, is compared.
        ("IS - 1", "inception_score.mean", found["inception_score_mean"], True),
        ("IS, deviation", "inception_score.deviation", found["inception_score_std"], True),
        ("KID", "kid.mean", found["kernel_inception_distance_mean"], False),
        ("KID in float64", "kid.mean", kid["kernel_inception_distance_mean"], True),
        # Of subsets that are not all the images.
        *[("KID in float64, deviation", "kid.deviation", kid["kernel_inception_distance_std"], True)
          for _ in range(1) if size < len(pngs(work.images))],
        ("precision", "precision", found["precision"], False),
        ("precision in float64", "precision", prc["precision"], True),
        ("recall", "recall", found["recall"], False),
        ("recall in float64", "recall", prc["recall"], True),
    ]


def clean_fid(work):
    from cleanfid import fid
    from pytorch_fid import inception

    inception.load_state_dict_from_url = lambda *_, **__: load_state_dict(work)
    network = inception.InceptionV3([3], resize_input=False, normalize_input=False).eval()

    def model(images):
        # As cleanfid/inception_torchscript.py, InceptionV3W.forward.
        return network((images - 128) / 128)[0].view(images.shape[0], DIMENSIONS)

    original = fid.get_folder_features
    fid.build_feature_extractor = lambda *_, **__: model
    single = {}

    def kept(folder, *arguments, **names):
        compute = lambda: {"2048": original(folder, *arguments, **names)}
        single[folder] = work.arrays("clean-fid", folder, compute)["2048"]
        return single[folder]

    fid.get_folder_features = kept
    settings = {
        "mode": "clean", "num_workers": 0, "batch_size": work.options.batch, "device": torch.device("cpu"),
        "verbose": False, "use_dataparallel": False,
    }
    distance = fid.compute_fid(work.images, work.reference, **settings)
    # clean-fid draws from its second folder first, dd2 from the generated images: the other way round both draw alike.
    np.random.seed(SEED)
    kid = fid.compute_kid(work.reference, work.images, **settings)
    np.random.seed(SEED)
    exact = fid.kernel_distance(single[work.reference].astype(np.float64), single[work.images].astype(np.float64))
    return [
        ("FID", "fid", float(distance), True),
        ("KID", "kid.mean", kid, False),
        ("KID in float64", "kid.mean", exact, True),
    ]


TOOLS = {
    "pytorch-fid": ("pytorch-fid", pytorch_fid),
    "adm": ("torch-fidelity", torch_fidelity),
    "clean": ("clean-fid", clean_fid),
}


def value(report, path):
    for name in path.split("."):
        report = report[name]
    return report


def size(text):
    sides = tuple(int(side) for side in text.split("x"))
    return sides if len(sides) == 2 else sides * 2


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], epilog=__doc__.split("\n\n", 2)[2],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="images a folder (default 2000)")
    parser.add_argument("--size", type=size, help="scale the rendered images to WxH and add noise")
    parser.add_argument("--images", nargs=2, metavar=("DIR", "REF"), help="two folders of PNG images")
    parser.add_argument("--weights", help="pytorch-fid's file (default: synthetic weights)")
    parser.add_argument("--protocol", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--dd2", default=".build/release/dd2")
    parser.add_argument("--work", default=".build/compare-fid-tools", help="where images and features are kept")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tolerance", type=float, default=1e-4, help="relative (default 1e-4)")
    parser.add_argument("--only", choices=["python", "dd2"], help="compute and keep one side's numbers, compare nothing")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.dd2 = os.path.abspath(options.dd2)
    torch.set_num_threads(options.threads)
    work = Work(options)
    rows = []
    for protocol in options.protocol:
        tool, measure = TOOLS[protocol]
        found, report = [], None
        if options.only != "dd2":
            with contextlib.redirect_stdout(sys.stderr):
                found = measure(work)
        if options.only != "python":
            report = work.dd2(protocol)
        if options.only:
            continue
        for metric, path, theirs, counts in found:
            ours = value(report, path)
            if metric == "IS - 1":
                theirs, ours = theirs - 1, ours - 1
            difference = abs(ours - theirs) / abs(theirs) if theirs else abs(ours)
            rows.append({
                "protocol": protocol, "tool": f"{tool} {importlib.metadata.version(tool)}", "metric": metric,
                "tool_value": theirs, "dd2_value": ours, "difference": difference, "counts": counts,
                "ok": difference <= options.tolerance,
            })
    if options.only:
        return
    bad = [row for row in rows if row["counts"] and not row["ok"]]
    versions = {name: importlib.metadata.version(name) for name in ("torch", "numpy", "scipy", "pillow")}
    if options.json:
        print(json.dumps({
            "images": work.images, "images_count": len(pngs(work.images)), "reference": work.reference,
            "reference_count": len(pngs(work.reference)), "weights_sha256": work.weights_hash, "seed": SEED,
            "tolerance": options.tolerance, "versions": versions, "rows": rows, "ok": not bad,
        }, indent=2))
    else:
        print_table(rows, options.tolerance)
        print(f"\n{len(pngs(work.images))} and {len(pngs(work.reference))} images; "
              + ", ".join(f"{name} {version}" for name, version in versions.items()))
    if bad:
        sys.exit(f"compare-fid-tools: {len(bad)} of {len(rows)} rows differ by more than {options.tolerance:g}")


def print_table(rows, tolerance):
    lines = [["protocol", "tool", "metric", "tool's value", "dd2", "relative difference", ""]]
    for row in rows:
        verdict = "ok" if row["ok"] else "DIFFERS" if row["counts"] else "float32, see the script's head"
        lines.append([
            row["protocol"], row["tool"], row["metric"], f"{row['tool_value']:.8g}", f"{row['dd2_value']:.8g}",
            f"{row['difference']:.1e}", verdict,
        ])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")


if __name__ == "__main__":
    main()
