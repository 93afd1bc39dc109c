"""VAR's own part of the file that `dd2 export` writes; `shared.py` is the rest."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from shared import Decoder, norm, pixel_attention


# VAR (FoundationVision/VAR, models/): names of its parts, transformer, tokenizer.
CLASSIFIER, MIDDLE, BLOCK, LEVELS, FINEST_FIRST = "head", ("block_1", "attn_1", "block_2"), "block", "up", True


class Attention(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        C, self.heads = sizes["width"], sizes["heads"]
        self.mat_qkv = nn.Linear(C, 3 * C, bias=False)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(C)), nn.Parameter(torch.zeros(C))
        if sizes["normalizes_attention"]:
            self.scale_mul_1H11 = nn.Parameter(torch.zeros(1, self.heads, 1, 1))
        self.proj = nn.Linear(C, C)

    def forward(self, x, mask):
        B, L, C = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(x, self.mat_qkv.weight, bias).view(B, L, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scale = 0.25 / math.sqrt(C // self.heads)
        if hasattr(self, "scale_mul_1H11"):
            q = F.normalize(q, dim=-1) * self.scale_mul_1H11.clamp_max(math.log(100)).exp()
            k, scale = F.normalize(k, dim=-1), 1
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
        return self.proj(out.transpose(1, 2).reshape(B, L, C))


def modulated_norm(x, scale, shift):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


def modulation(C, count):
    """Maps a class to scales and shifts."""
    return nn.Sequential(nn.SiLU(), nn.Linear(C, count * C))


class Block(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        C, hidden = sizes["width"], sizes["feed_forward_ratio"] * sizes["width"]
        self.attn = Attention(sizes)
        self.ffn = nn.ModuleDict({"fc1": nn.Linear(C, hidden), "fc2": nn.Linear(hidden, C)})
        if sizes["shares_ada_ln"]:
            self.ada_gss = nn.Parameter(torch.zeros(1, 1, 6, C))
        else:
            self.ada_lin = modulation(C, 6)

    def forward(self, x, class_BC, shared_B6C, mask):
        own = self.ada_lin(class_BC) if shared_B6C is None else self.ada_gss.flatten() + shared_B6C
        gamma1, gamma2, scale1, scale2, shift1, shift2 = own.unsqueeze(1).chunk(6, dim=-1)
        x = x + gamma1 * self.attn(modulated_norm(x, scale1, shift1), mask)
        h = F.gelu(self.ffn["fc1"](modulated_norm(x, scale2, shift2)), approximate="tanh")
        return x + gamma2 * self.ffn["fc2"](h)


class Trunk(nn.Module):
    """Latents in, hidden states out: position i depends on earlier scales, the class and its own extra input."""

    def __init__(self, sizes):
        super().__init__()
        C, sides = sizes["width"], sizes["patch_sides"]
        levels = torch.cat([torch.full((s * s,), i) for i, s in enumerate(sides)])
        self.pos_start = nn.Parameter(torch.zeros(1, sides[0] ** 2, C))
        self.pos_1LC = nn.Parameter(torch.zeros(1, len(levels), C))
        self.word_embed = nn.Linear(sizes["latent_dimension"], C)
        self.class_emb = nn.Embedding(sizes["class_count"] + 1, C)
        self.lvl_embed = nn.Embedding(len(sides), C)
        self.shared_ada_lin = modulation(C, 6) if sizes["shares_ada_ln"] else None
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes["depth"]))
        self.head_nm = nn.ModuleDict({"ada_lin": modulation(C, 2)})
        self.register_buffer("levels", levels, persistent=False)

    def hidden(self, latents_BLD, ids, labels, extra_BLC, tokenizer):
        class_BC, L = self.class_emb(labels), latents_BLD.shape[1]
        views = [self.word_embed(view) for view in tokenizer.views(latents_BLD)]
        x = torch.cat([class_BC.unsqueeze(1) + self.pos_start, *views], dim=1)
        levels = self.levels[:L]
        x = x + (self.pos_1LC[:, :L] + self.lvl_embed(levels)) + extra_BLC
        shared_B6C = None if self.shared_ada_lin is None else self.shared_ada_lin(class_BC)
        for block in self.blocks:
            x = block(x, class_BC, shared_B6C, levels[:, None] >= levels)
        return modulated_norm(x, *self.head_nm["ada_lin"](class_BC).unsqueeze(1).chunk(2, dim=-1))


class PixelAttention(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.norm, self.qkv = norm(groups, channels), nn.Conv2d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return x + self.proj_out(pixel_attention(*self.qkv(self.norm(x)).chunk(3, dim=1)))


class Phi(nn.Module):
    """What smooths the enlarged latents of a scale: few convolutions, each for scales next to each other."""

    def __init__(self, D, scales, count=4):
        super().__init__()
        self.qresi_ls = nn.ModuleList(nn.Conv2d(D, D, 3, padding=1) for _ in range(count))
        first = 1 / 3 / count
        # In double and in NumPy's order: scale 2 of 10 lies midway between two.
        ticks = [first + i * ((1 - first - first) / (count - 1)) for i in range(count - 1)] + [1 - first]
        places = [scale / max(1, scales - 1) for scale in range(scales)]
        self.index = [min(range(count), key=lambda i: abs(ticks[i] - place)) for place in places]

    def forward(self, x, scale):
        return 0.5 * x + 0.5 * self.qresi_ls[self.index[scale]](x)


class Tokenizer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        D, self.sides = sizes["latent_dimension"], sizes["patch_sides"]
        phi, codes = Phi(D, len(self.sides)), nn.Embedding(sizes["vocabulary"], D)
        self.quantize = nn.ModuleDict({"quant_resi": phi, "embedding": codes})
        self.post_quant_conv = nn.Conv2d(D, D, 3, padding=1)
        self.decoder = Decoder(sizes, D)

    @property
    def codes_VD(self):
        return self.quantize["embedding"].weight

    def maps(self, latents_BLD):
        """The latent image (B, D, S, S) after each scale, for the scales that the latents are of."""
        B, L, D = latents_BLD.shape
        S, total, start = self.sides[-1], 0, 0
        for scale, side in enumerate(self.sides):
            if start == L:
                return
            tokens = latents_BLD[:, start : start + side * side].transpose(1, 2).reshape(B, D, side, side)
            total = total + self.quantize["quant_resi"](F.interpolate(tokens, size=(S, S), mode="bicubic"), scale)
            start += side * side
            yield total

    def views(self, latents_BLD):
        """What each scale but the first is shown of those before it: (B, l, D)."""
        left = latents_BLD.shape[1] - self.sides[0] ** 2
        for total, side in zip(self.maps(latents_BLD), self.sides[1:]):
            if left == 0:
                return
            left -= side * side
            yield F.interpolate(total, size=(side, side), mode="area").flatten(2).transpose(1, 2)

    def decode(self, ids):
        *_, image = self.maps(self.codes_VD[ids])
        return self.decoder(self.post_quant_conv(image))
