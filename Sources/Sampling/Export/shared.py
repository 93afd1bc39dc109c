"""A one-step image generator, written by `dd2 export`: all tokens of an image in one network call. Needs PyTorch alone.

    python generator.py --class 3 --seed 0 -o out.png

draws what `dd2 sample --class 3 --seed 0` draws. In Python:

    generator = Generator.load("folder")
    images = generator.sample(labels, generator.noise([0, 1, 2], seed=0))    # (B, 3, H, W) in [-1, 1]

Shapes: B batch, L tokens, C width, H heads, D latent dimension, V codes. Weights have the names of the reference's code.
"""

import argparse
import json
import math
import struct
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from family import *


class HeadBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, z):
        return z + self.down(F.silu(self.up(self.norm(z))))


class DenoisingHead(nn.Module):
    """From a hidden state and a token's noise to its latent; `logits` are the token's, or None."""

    def __init__(self, sizes, C, D):
        super().__init__()
        width = sizes["width"]
        self.from_hidden = nn.Linear(C, width)
        self.from_latent = nn.Linear(D, width, bias=False)
        self.from_time = nn.Linear(32, width, bias=False)
        self.blocks = nn.ModuleList(HeadBlock(width) for _ in range(sizes["depth"]))
        self.final_norm = nn.LayerNorm(width, eps=1e-6)
        self.output = nn.Linear(width, D)
        # The features of time 1, where the noised latent is the noise alone.
        angles = math.pi * 2 ** (torch.arange(16) * 6 / 15 - 1)
        self.register_buffer("time", torch.cat([angles.sin(), angles.cos()]), persistent=False)

    def forward(self, hidden_BLC, noise_BLD, logits_BLV, codes_VD):
        z = self.from_latent(noise_BLD) + (self.from_hidden(hidden_BLC) + self.from_time(self.time))
        for block in self.blocks:
            z = block(z)
        x = self.output(self.final_norm(z))
        return x if logits_BLV is None else logits_BLV.softmax(-1) @ codes_VD + x


class Part(Trunk):
    """The network that draws one part of the tokens: most often all of them."""

    def __init__(self, config):
        sizes, head = config["transformer"], config["head"]
        C, D, V = sizes["width"], sizes["latent_dimension"], sizes["vocabulary"]
        super().__init__(sizes)
        if head["estimate"] == "posterior":
            setattr(self, CLASSIFIER, nn.Linear(C, V))
        self.denoising_head = DenoisingHead(head, C, D)
        self.own_noise = nn.Linear(D, C, bias=False)
        self.noise_gain = nn.Linear(C, 1) if config["has_noise_gain"] else None

    def latents(self, shown_BLD, ids, noise_BLD, labels, place, tokenizer, scale):
        """The latents of the tokens at `place`; `ids` are those before it, which `shown_BLD` begins with."""
        codes_VD = tokenizer.codes_VD / scale
        hidden = self.hidden(shown_BLD * scale, ids, labels, self.own_noise(noise_BLD), tokenizer)[:, place]
        noise = noise_BLD[:, place]
        logits = getattr(self, CLASSIFIER)(hidden) if hasattr(self, CLASSIFIER) else None
        if self.noise_gain is not None:
            logits = logits + self.noise_gain(hidden) * (noise @ codes_VD.T)
        return self.denoising_head(hidden, noise, logits, codes_VD)


class Generator(Part):
    def __init__(self, config):
        super().__init__(config)
        self.config = config
        self.parts = nn.ModuleDict({str(i): Part(config) for i in range(1, len(config["parts"]))})
        self.tokenizer = Tokenizer(config["tokenizer"])

    @classmethod
    def load(cls, folder="."):
        folder = Path(folder)
        config = json.loads((folder / "config.json").read_text())
        network, tokenizer = (read(folder / f"{name}.{config['weights']}") for name in ("generator", "tokenizer"))
        generator = cls(config).eval().requires_grad_(False)
        generator.load_state_dict(network | {f"tokenizer.{name}": array for name, array in tokenizer.items()})
        return generator

    def noise(self, samples, seed=0):
        """Noise (B, L, D) of the samples with these numbers, dd2's own: a sample's depends on seed and number alone."""
        L, D = self.config["parts"][-1][1], self.config["transformer"]["latent_dimension"]
        return torch.stack([normal(L * D, seed, "generator.noise", i) for i in samples]).view(-1, L, D)

    @torch.no_grad()
    def tokens(self, labels, noise_BLD):
        """Token ids (B, L) of class labels (B) and noise (B, L, D) of unit variance."""
        scale = self.config["latent_scale"]
        codes_VD = self.tokenizer.codes_VD / scale
        ids = torch.empty(len(labels), 0, dtype=torch.long, device=noise_BLD.device)
        for part, (start, end) in zip([self, *self.parts.values()], self.config["parts"]):
            shown_BLD = torch.cat([codes_VD[ids], noise_BLD[:, start:end]], dim=1)
            place = slice(start, end)
            q_BLD = part.latents(shown_BLD, ids, noise_BLD[:, :end], labels, place, self.tokenizer, scale)
            ids = torch.cat([ids, nearest(q_BLD, codes_VD)], dim=1)
        return ids

    @torch.no_grad()
    def sample(self, labels, noise_BLD):
        """Images (B, 3, H, W) in [-1, 1]."""
        return self.tokenizer.decode(self.tokens(labels, noise_BLD)).clamp(-1, 1)

    forward = sample


class Residual(nn.Module):
    def __init__(self, inputs, outputs, groups):
        super().__init__()
        self.norm1, self.conv1 = norm(groups, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = norm(groups, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.nin_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Decoder(nn.Module):
    """Latents (B, channels, h, w) to pixels."""

    def __init__(self, sizes, latents):
        super().__init__()
        groups, factors = sizes["norm_groups"], sizes["channel_multipliers"]
        width = sizes["channels"] * factors[-1]
        self.conv_in = nn.Conv2d(latents, width, 3, padding=1)
        middle = Residual(width, width, groups), PixelAttention(width, groups), Residual(width, width, groups)
        self.mid = nn.ModuleDict(zip(MIDDLE, middle))
        levels = []
        for index, factor in reversed(list(enumerate(factors))):
            level, attentions, inputs = nn.ModuleDict(), nn.ModuleList(), width
            width = sizes["channels"] * factor
            blocks = (Residual(width if i else inputs, width, groups) for i in range(sizes["residual_blocks"] + 1))
            level[BLOCK] = nn.ModuleList(blocks)
            if index == len(factors) - 1:
                attentions.extend(PixelAttention(width, groups) for _ in level[BLOCK])
            level["attn"] = attentions
            if index > 0:
                level["upsample"] = nn.ModuleDict({"conv": nn.Conv2d(width, width, 3, padding=1)})
            levels.append(level)
        self.coarsest_first = slice(None, None, -1) if FINEST_FIRST else slice(None)
        setattr(self, LEVELS, nn.ModuleList(levels[self.coarsest_first]))
        self.norm_out, self.conv_out = norm(groups, width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for layer in self.mid.values():
            x = layer(x)
        for level in getattr(self, LEVELS)[self.coarsest_first]:
            for i, block in enumerate(level[BLOCK]):
                x = block(x)
                if len(level["attn"]):
                    x = level["attn"][i](x)
            if "upsample" in level:
                x = level["upsample"]["conv"](F.interpolate(x, scale_factor=2))
        return self.conv_out(F.silu(self.norm_out(x)))


def norm(groups, channels):
    return nn.GroupNorm(groups, channels, eps=1e-6)


def pixel_attention(q, k, v):
    """Of (B, C, h, w), with one head."""
    out = F.scaled_dot_product_attention(*(x.flatten(2).transpose(1, 2).unsqueeze(1) for x in (q, k, v)))
    return out.transpose(2, 3).reshape(q.shape)


def nearest(x, codes_VD):
    """Indices of the codes nearest to x (..., D)."""
    return (x @ codes_VD.T - codes_VD.square().sum(-1) / 2).argmax(-1)


def normal(count, seed, purpose, index):
    """Standard normal numbers of dd2's generator: Philox-4x32-10, then Box-Muller."""
    def mix(z):
        z = (z + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    key, low = 0xCBF29CE484222325, 2**32 - 1
    for byte in purpose.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    key = mix((seed + mix(key)) % 2**64)
    k0, k1 = key & low, key >> 32
    block = torch.arange((count + 3) // 4)
    c0, c1, c2, c3 = block, torch.full_like(block, index & low), torch.zeros_like(block), index >> 32 << 16
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32 & low) ^ c1 ^ k0, p1 & low, (p0 >> 32 & low) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    bits = torch.stack([c0, c1, c2, c3], dim=1).view(-1, 2) >> 8
    # Functions in double, rounded: what C's float functions give.
    radius = (-2 * ((bits[:, 0] + 1) * 2.0**-24).double().log().float()).sqrt()
    angle = (torch.tensor(2 * math.pi) * (bits[:, 1] * 2.0**-24)).double()
    return torch.stack([radius * angle.cos().float(), radius * angle.sin().float()], dim=1).flatten()[:count]


def read(path):
    """The tensors of a .pt or .safetensors file."""
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)
    file = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", file[:8])
    arrays = {}
    for name, entry in json.loads(file[8 : 8 + length]).items():
        start, count = 8 + length + entry["data_offsets"][0], math.prod(entry["shape"])
        arrays[name] = torch.frombuffer(file, dtype=torch.float32, count=count, offset=start).view(entry["shape"])
    return arrays


def write_png(path, images):
    """Images (B, 3, H, W) in [-1, 1] side by side."""
    pixels = (images * 127.5 + 128).floor().clamp(0, 255).byte().permute(2, 0, 3, 1).flatten(1, 2).cpu()
    height, width, _ = pixels.shape
    rows = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), pixels.flatten(1)], dim=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows.flatten().tolist()))), (b"IEND", b"")):
        file += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    Path(path).write_bytes(file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draws images, side by side in one PNG file.")
    parser.add_argument("--class", dest="label", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--index", type=int, default=0, help="number of the first sample (0)")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    generator = Generator.load(Path(__file__).parent).to(options.device)
    if not 0 <= options.label < generator.config["transformer"]["class_count"]:
        parser.error(f"--class is {options.label}; there are {generator.config['transformer']['class_count']} classes")
    labels = torch.full((options.count,), options.label, device=options.device)
    noise = generator.noise(range(options.index, options.index + options.count), options.seed).to(options.device)
    write_png(options.output, generator.sample(labels, noise))
