#!/usr/bin/env python3
"""Writes plugins-manifest.json: what 'dd2 device install' fetches, with addresses, sizes and hashes as PyPI tells them.

Change a version below, run this, and look at the difference. The libraries are those that jax-cuda13-plugin[with-cuda] and
jax-cuda12-plugin[with-cuda] name. A compiler is what compiling for a device that is not there takes beside the plugin.
"""
import json
import pathlib
import re
import urllib.request

HOST = "https://files.pythonhosted.org/packages/"
PLUGIN, COMPILER, LIBRARY = "plugin", "compiler", "library"
# Family: packages in the order in which they are installed, the plugin last.
PACKAGES = {
    "cpu": [("lammps-jax-pjrt-cpu", "0.11.2", PLUGIN)],
    "cuda13": [
        ("nvidia-cuda-nvcc", "13.5.37", COMPILER),
        ("nvidia-nvvm", "13.5.37", COMPILER),
        ("nvidia-cublas", None, LIBRARY),
        ("nvidia-cuda-cupti", None, LIBRARY),
        ("nvidia-cuda-nvrtc", None, LIBRARY),
        ("nvidia-cuda-runtime", None, LIBRARY),
        ("nvidia-cudnn-cu13", None, LIBRARY),
        ("nvidia-cufft", None, LIBRARY),
        ("nvidia-cusolver", None, LIBRARY),
        ("nvidia-cusparse", None, LIBRARY),
        ("nvidia-nccl-cu13", None, LIBRARY),
        ("nvidia-nvjitlink", None, LIBRARY),
        ("nvidia-nvshmem-cu13", None, LIBRARY),
        ("jax-cuda13-pjrt", "0.12.0.1", PLUGIN),
    ],
    "cuda12": [
        ("nvidia-cuda-nvcc-cu12", None, COMPILER),
        ("nvidia-cublas-cu12", None, LIBRARY),
        ("nvidia-cuda-cupti-cu12", None, LIBRARY),
        ("nvidia-cuda-nvrtc-cu12", None, LIBRARY),
        ("nvidia-cuda-runtime-cu12", None, LIBRARY),
        ("nvidia-cudnn-cu12", None, LIBRARY),
        ("nvidia-cufft-cu12", None, LIBRARY),
        ("nvidia-cusolver-cu12", None, LIBRARY),
        ("nvidia-cusparse-cu12", None, LIBRARY),
        ("nvidia-nccl-cu12", None, LIBRARY),
        ("nvidia-nvjitlink-cu12", None, LIBRARY),
        ("nvidia-nvshmem-cu12", None, LIBRARY),
        ("jax-cuda12-pjrt", "0.12.0.1", PLUGIN),
    ],
    "rocm7": [("jax-rocm7-pjrt", "0.12.0", PLUGIN)],
    "tpu": [("libtpu", "0.0.52", PLUGIN)],
}


def entry(family, package, version, kind):
    with urllib.request.urlopen(f"https://pypi.org/pypi/{package}/json") as answer:
        project = json.load(answer)
    info = project["info"]
    files = project["releases"].get(version or info["version"], [])
    wheels = [file for file in files if file["filename"].endswith("x86_64.whl")]
    if not wheels:
        raise SystemExit(f"{package} {version}: no wheel for x86_64 Linux; choose another version")
    # Of wheels for several Pythons, whose libraries are the same, the first by name.
    wheel = min(wheels, key=lambda file: file["filename"])
    words = info.get("license_expression") or info.get("license") or ""
    return {
        "name": package,
        "family": family,
        "kind": kind,
        # A mirror of PyPI may give an address of its own; the path from the hash on is the same everywhere.
        "urls": [HOST + re.search(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/.*", wheel["url"])[0]],
        "bytes": wheel["size"],
        "sha256": wheel["digests"]["sha256"],
        "license": words.split("\n")[0].strip() or "see the wheel",
        "layout": "wheel",
    }


entries = [entry(family, *package) for family, packages in PACKAGES.items() for package in packages]
path = pathlib.Path(__file__).resolve().parent.parent / "plugins-manifest.json"
path.write_text(json.dumps(entries, indent=2) + "\n")
