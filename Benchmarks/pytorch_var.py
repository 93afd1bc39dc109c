"""VAR's transformer in plain PyTorch, as the teacher and as the students' trunk, with names as in the Swift networks.

Shapes: B batch, L tokens, C width, H heads, D latent dimension.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, C, heads):
        super().__init__()
        self.heads = heads
        self.mat_qkv = nn.Linear(C, 3 * C, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(C))
        self.v_bias = nn.Parameter(torch.zeros(C))
        self.scale_mul_1H11 = nn.Parameter(torch.zeros(1, heads, 1, 1))
        self.proj = nn.Linear(C, C)

    def forward(self, x, mask, cache=None):
        """With a cache, a dictionary, x are the tokens after those of earlier calls, all of which they see."""
        B, L, C = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(x, self.mat_qkv.weight, bias).view(B, L, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q = F.normalize(q, dim=-1) * self.scale_mul_1H11.clamp_max(math.log(100)).exp()
        k = F.normalize(k, dim=-1)
        if cache is not None:
            if self in cache:
                k, v = torch.cat([cache[self][0], k], 2), torch.cat([cache[self][1], v], 2)
            cache[self] = k, v
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1)
        return self.proj(out.transpose(1, 2).reshape(B, L, C))


class FeedForward(nn.Module):
    def __init__(self, C, hidden):
        super().__init__()
        self.fc1 = nn.Linear(C, hidden)
        self.fc2 = nn.Linear(hidden, C)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def modulated_norm(x, scale, shift):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


class Block(nn.Module):
    def __init__(self, C, heads, ratio):
        super().__init__()
        self.attn = Attention(C, heads)
        self.ffn = FeedForward(C, ratio * C)
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(C, 6 * C))

    def forward(self, x, class_BC, mask, cache=None):
        gamma1, gamma2, scale1, scale2, shift1, shift2 = self.ada_lin(class_BC).unsqueeze(1).chunk(6, dim=-1)
        x = x + gamma1 * self.attn(modulated_norm(x, scale1, shift1), mask, cache)
        return x + gamma2 * self.ffn(modulated_norm(x, scale2, shift2))


class HeadNorm(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(C, 2 * C))

    def forward(self, x, class_BC):
        return modulated_norm(x, *self.ada_lin(class_BC).unsqueeze(1).chunk(2, dim=-1))


class ResidualMap:
    """VAR's residual feature map with fixed phi convolutions."""

    def __init__(self, sides, state):
        self.sides = sides
        count = len(state) // 2
        self.phi = [tuple(state[f"quant_resi.qresi_ls.{i}.{n}"] for n in ("weight", "bias")) for i in range(count)]
        margin = 1 / 3 / count if count == 4 else 1 / 2 / count
        ticks = torch.linspace(margin, 1 - margin, count)
        self.phi_of = [int((ticks - s / (len(sides) - 1)).abs().argmin()) for s in range(len(sides))]

    def inputs(self, latents_BLD):
        """What scales 1 and up are shown of the latents of the scales before them."""
        total, start, views = 0, 0, []
        for index, side in enumerate(self.sides[:-1]):
            total = total + self.contribution(latents_BLD[:, start : start + side * side], index)
            start += side * side
            views.append(self.view(total, index + 1))
        return torch.cat(views, dim=1)

    def contribution(self, latents_BlD, index):
        """What the latents of a scale add to the map (B, D, S, S)."""
        B, _, D = latents_BlD.shape
        side, S = self.sides[index], self.sides[-1]
        tokens = latents_BlD.transpose(1, 2).reshape(B, D, side, side)
        image = F.interpolate(tokens, size=(S, S), mode="bicubic")
        return 0.5 * image + 0.5 * F.conv2d(image, *self.phi[self.phi_of[index]], padding=1)

    def view(self, total, index):
        """The map as a scale sees it, (B, l, D)."""
        side = self.sides[index]
        return F.interpolate(total, size=(side, side), mode="area").flatten(2).transpose(1, 2)


class Trunk(nn.Module):
    def __init__(self, sizes, residual_map):
        super().__init__()
        self.map = residual_map
        C, sides = sizes["width"], sizes["patchSides"]
        L = sum(s * s for s in sides)
        self.pos_start = nn.Parameter(torch.zeros(1, sides[0] ** 2, C))
        self.pos_1LC = nn.Parameter(torch.zeros(1, L, C))
        self.word_embed = nn.Linear(sizes["latentDimension"], C)
        self.class_emb = nn.Embedding(sizes["classCount"] + 1, C)
        self.lvl_embed = nn.Embedding(len(sides), C)
        self.blocks = nn.ModuleList(
            Block(C, sizes["heads"], sizes["feedForwardRatio"]) for _ in range(sizes["depth"])
        )
        self.head_nm = HeadNorm(C)
        levels = torch.cat([torch.full((s * s,), i) for i, s in enumerate(sides)])
        self.register_buffer("levels", levels, persistent=False)
        self.register_buffer("mask", levels[:, None] >= levels[None, :], persistent=False)

    def forward(self, inputs_BLD, labels, extra_BLC=None):
        class_BC = self.class_emb(labels)
        x = torch.cat([class_BC.unsqueeze(1) + self.pos_start, self.word_embed(inputs_BLD)], dim=1)
        x = x + self.pos_1LC + self.lvl_embed(self.levels)
        if extra_BLC is not None:
            x = x + extra_BLC
        for block in self.blocks:
            x = block(x, class_BC, self.mask)
        return self.head_nm(x, class_BC)

    def hidden(self, latents_BLD, labels, ids_BL=None, extra_BLC=None):
        """Hidden states given latents in the teacher's own scale, whether their tokens are known or not."""
        return Trunk.forward(self, self.map.inputs(latents_BLD), labels, extra_BLC)


class Transformer(Trunk):
    def __init__(self, sizes, residual_map, embedding):
        super().__init__(sizes, residual_map)
        self.head = nn.Linear(sizes["width"], sizes["vocabulary"])
        self.embedding = embedding

    def forward(self, ids_BL, labels):
        """Teacher-forced logits."""
        return self.head(self.hidden(self.embedding[ids_BL], labels))

    def sample(self, labels):
        """Draws scale by scale with cached keys and values: the map (B, D, S, S) of all tokens."""
        class_BC, start, total, cache = self.class_emb(labels), 0, 0, {}
        x = class_BC.unsqueeze(1) + self.pos_start
        for index, side in enumerate(self.map.sides):
            place = slice(start, start + side * side)
            x = x + self.pos_1LC[:, place] + self.lvl_embed(self.levels[place])
            for block in self.blocks:
                x = block(x, class_BC, None, cache)
            probabilities = self.head(self.head_nm(x, class_BC)).float().softmax(-1)
            ids = torch.multinomial(probabilities.flatten(0, 1), 1).view(len(labels), -1)
            total = total + self.map.contribution(self.embedding[ids], index)
            start = place.stop
            if index + 1 < len(self.map.sides):
                x = self.word_embed(self.map.view(total, index + 1))
        return total
