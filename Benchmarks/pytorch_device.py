"""Times one of the tasks of `dd2-bench device` in plain PyTorch, with random weights: the same sizes, losses and optimiser.

Prints a line of CSV: median and first seconds, images or sequences, peak GiB of device memory, parameters that are trained or
drawn with. Exit status 3: PyTorch is not installed.
"""

import argparse
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("pytorch_device.py: no PyTorch", file=sys.stderr)
    sys.exit(3)

from torch import nn

import pytorch_llamagen as llamagen
from pytorch_decoder import Decoder
from pytorch_twin import Stage2, length
from pytorch_var import ResidualMap, Transformer, Trunk

VAR_SIDES = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]
SIZES = {
    "var-d16": {"depth": 16, "width": 1024, "heads": 16, "patchSides": VAR_SIDES, "latentDimension": 32,
                "vocabulary": 4096, "classCount": 1000, "feedForwardRatio": 4},
    "llamagen-l-256": {"depth": 24, "width": 1024, "heads": 16, "side": 16, "latentDimension": 8, "vocabulary": 16384,
                       "classCount": 1000},
    "tiny-var": {"depth": 1, "width": 32, "heads": 2, "patchSides": [1, 2], "latentDimension": 8, "vocabulary": 64,
                 "classCount": 10, "feedForwardRatio": 4},
    "tiny-llamagen": {"depth": 1, "width": 32, "heads": 2, "side": 2, "latentDimension": 8, "vocabulary": 64,
                      "classCount": 10},
}  # fmt: skip
SETTINGS = {"noiseLevels": 4, "scoreUpdates": 4, "head": {"width": 256, "depth": 2, "estimate": "posterior"},
            "timeRange": (0.02, 0.98), "alpha": 1, "scoreLearningRate": 1e-4, "generatorLearningRate": 1e-4,
            "emaDecay": 0.99}  # fmt: skip


class Model:
    """A family's teacher with its tokenizer's decoder, and what the students are built from."""

    def __init__(self, name):
        self.sizes, is_tiny = SIZES[name], name.startswith("tiny")
        D = self.sizes["latentDimension"]
        self.embedding = torch.randn(self.sizes["vocabulary"], D)
        if "patchSides" in self.sizes:
            phi = {}
            for index in range(4):
                phi[f"quant_resi.qresi_ls.{index}.weight"] = torch.randn(D, D, 3, 3) / (3 * D**0.5)
                phi[f"quant_resi.qresi_ls.{index}.bias"] = torch.zeros(D)
            self.map = ResidualMap(self.sizes["patchSides"], phi)
            self.teacher = Transformer(self.sizes, self.map, self.embedding)
            self.decoder = Decoder(32 if is_tiny else 160, D, D, 3, (1,) if is_tiny else (1, 1, 2, 2, 4))
            self.trunk = lambda: Trunk(self.sizes, self.map)
        else:
            self.map = None
            self.embedding = nn.functional.normalize(self.embedding, dim=-1)
            self.teacher = llamagen.Transformer(self.sizes)
            before, multipliers = (16, (1,)) if is_tiny else (256, (1, 1, 2, 2, 4))
            self.decoder = Decoder(32 if is_tiny else 128, D, before, 1, multipliers)
            self.trunk = lambda: llamagen.Trunk(self.sizes, self.embedding)

    def decoded(self, ids_BL):
        """Images of token ids."""
        latents_BLD = self.embedding[ids_BL]
        if self.map is None:
            side = self.sizes["side"]
            return self.decoder(latents_BLD.transpose(1, 2).unflatten(2, (side, side)))
        total, start = 0, 0
        for index, side in enumerate(self.map.sides):
            total = total + self.map.contribution(latents_BLD[:, start : start + side * side], index)
            start += side * side
        return self.decoder(total)


def task(options, compiled):
    """A function that runs the task once and waits for it, and the number of its parameters."""
    B = options.batch
    if options.task == "inception":
        try:
            from torchvision.models import inception_v3
        except ImportError:
            print("pytorch_device.py: no torchvision", file=sys.stderr)
            sys.exit(3)
        network = inception_v3(weights=None, init_weights=False, transform_input=False).eval()
        network.fc = nn.Identity()
        network, images = compiled(network), torch.rand(B, 3, 299, 299) * 2 - 1
        return lambda: network(images).cpu(), None
    model = Model(options.model)
    labels = torch.arange(B) % model.sizes["classCount"]
    if options.task in ("cycle", "onestep"):
        stage = Stage2(model.sizes, SETTINGS | {"batch": B}, model.embedding, model.teacher, model.trunk,
                       options.precision)  # fmt: skip
        count = parameters(stage.generator)
        if options.task == "cycle":
            stage.generator, stage.teacher = compiled(stage.generator), compiled(stage.teacher)
            stage.score.hidden, stage.score.head = compiled(stage.score.hidden), compiled(stage.score.head)
            return stage.cycle, count
        generator, model.decoder = compiled(stage.generator), compiled(model.decoder)
        shape = (B, length(model.sizes), model.sizes["latentDimension"])
        return lambda: model.decoded(stage.nearest(generator(torch.randn(shape), labels))).cpu(), count
    count = parameters(model.teacher)
    if options.task == "forward":
        network = compiled(model.teacher)
        ids = torch.randint(model.sizes["vocabulary"], (B, length(model.sizes)))
        return lambda: network(ids, labels).sum().item(), count
    # The parts that are called are compiled; a loop whose shapes grow is not compiled as a whole.
    model.decoder = compiled(model.decoder)
    for name, blocks in model.teacher.named_children():
        if name in ("blocks", "layers"):
            for index, block in enumerate(blocks):
                blocks[index] = compiled(block)
    if model.map is None:
        return lambda: model.decoded(model.teacher.sample(labels)).cpu(), count
    return lambda: model.decoder(model.teacher.sample(labels)).cpu(), count


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["cycle", "forward", "onestep", "sampling", "inception"])
    parser.add_argument("--model", choices=[*SIZES, "inception-v3"], default="var-d16")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", choices=["float32", "tf32", "bfloat16"], default="float32")
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    parser.add_argument("--count", type=int, default=7, help="timed runs, after two that are not")
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_default_device(options.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.precision == "tf32"
    work, count = task(options, torch.compile if options.compile else lambda module: module)
    times = []
    with torch.set_grad_enabled(options.task == "cycle"), torch.autocast(
        options.device, torch.bfloat16, enabled=options.precision == "bfloat16" and options.task != "cycle"
    ):
        for _ in range(options.count + 2):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    peak = f"{torch.cuda.max_memory_allocated() / 2**30:.2f}" if options.device == "cuda" else ""
    print(f"{statistics.median(times[2:]):.6f},{times[0]:.3f},{peak},{count or ''}")


if __name__ == "__main__":
    main()
