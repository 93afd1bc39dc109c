"""LlamaGen's own part of the file that `dd2 export` writes; `shared.py` is the rest."""

import torch
import torch.nn.functional as F
from torch import nn

from shared import Decoder, nearest, norm, pixel_attention


# LlamaGen (FoundationVision/LlamaGen): names of its parts, transformer, tokenizer.
CLASSIFIER, MIDDLE, BLOCK, LEVELS, FINEST_FIRST = "output", ("0", "1", "2"), "res", "conv_blocks", False


def rotary_table(side, width):
    """Cosines and sines (side^2, width / 2, 2): the class token's are 0, then half of the pairs turns with a token's row,
    half with its column."""
    frequencies = 1 / 10_000 ** (torch.arange(width // 4) * 4 / width)
    places = torch.arange(side**2 - 1)
    angles = torch.cat([torch.outer(places // side, frequencies), torch.outer(places % side, frequencies)], dim=1)
    turns = torch.stack([angles.cos(), angles.sin()], dim=-1)
    return torch.cat([torch.zeros(1, width // 2, 2), turns])


def rotated(x, turns):
    """x (B, L, H, d) with its neighbouring channels as pairs; turns (L, d / 2, 2)."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = turns[:, None].unbind(-1)
    return torch.stack([a * cosine - b * sine, b * cosine + a * sine], dim=-1).flatten(-2)


class Attention(nn.Module):
    def __init__(self, C, heads):
        super().__init__()
        self.heads = heads
        self.wqkv, self.wo = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C, bias=False)

    def forward(self, x, turns):
        B, L, C = x.shape
        q, k, v = self.wqkv(x).view(B, L, 3, self.heads, C // self.heads).unbind(2)
        q, k, v = (y.transpose(1, 2) for y in (rotated(q, turns), rotated(k, turns), v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.wo(out.transpose(1, 2).reshape(B, L, C))


class FeedForward(nn.Module):
    def __init__(self, C):
        super().__init__()
        hidden = (4 * C * 2 // 3 + 255) // 256 * 256
        self.w1, self.w3 = nn.Linear(C, hidden, bias=False), nn.Linear(C, hidden, bias=False)
        self.w2 = nn.Linear(hidden, C, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Layer(nn.Module):
    def __init__(self, C, heads):
        super().__init__()
        self.attention, self.feed_forward = Attention(C, heads), FeedForward(C)
        self.attention_norm, self.ffn_norm = nn.RMSNorm(C, eps=1e-5), nn.RMSNorm(C, eps=1e-5)

    def forward(self, x, turns):
        x = x + self.attention(self.attention_norm(x), turns)
        return x + self.feed_forward(self.ffn_norm(x))


class Trunk(nn.Module):
    """Latents in, hidden states out: position i depends on earlier tokens, the class and its own extra input."""

    def __init__(self, sizes):
        super().__init__()
        C, D, heads = sizes["width"], sizes["latent_dimension"], sizes["heads"]
        self.cls_embedding = nn.ModuleDict({"embedding_table": nn.Embedding(sizes["class_count"] + 1, C)})
        self.tok_embeddings = nn.Embedding(sizes["vocabulary"], C)
        self.latent_projection = nn.Linear(D, C, bias=False)
        self.layers = nn.ModuleList(Layer(C, heads) for _ in range(sizes["depth"]))
        self.norm = nn.RMSNorm(C, eps=1e-5)
        self.register_buffer("turns", rotary_table(sizes["side"], C // heads), persistent=False)

    def hidden(self, latents_BLD, ids, labels, extra_BLC, tokenizer):
        """A latent's embedding is that of the nearest code and a linear map of what is left, which is 0 for known ids."""
        shown, codes_VD = latents_BLD[:, :-1], tokenizer.codes_VD
        found = nearest(shown, codes_VD)
        found[:, : ids.shape[1]] = ids
        embedded = self.tok_embeddings(found) + self.latent_projection(shown - codes_VD[found])
        x = torch.cat([self.cls_embedding["embedding_table"](labels).unsqueeze(1), embedded], dim=1) + extra_BLC
        for layer in self.layers:
            x = layer(x, self.turns[: x.shape[1]])
        return self.norm(x)


class PixelAttention(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.norm = norm(groups, channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x):
        y = self.norm(x)
        return x + self.proj_out(pixel_attention(self.q(y), self.k(y), self.v(y)))


class Tokenizer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        D = sizes["latent_dimension"]
        self.quantize = nn.ModuleDict({"embedding": nn.Embedding(sizes["vocabulary"], D)})
        self.post_quant_conv = nn.Conv2d(D, sizes["latent_channels"], 1)
        self.decoder = Decoder(sizes, sizes["latent_channels"])

    @property
    def codes_VD(self):
        return F.normalize(self.quantize["embedding"].weight, dim=-1)

    def decode(self, ids):
        side = round(ids.shape[1] ** 0.5)
        image = self.codes_VD[ids].transpose(1, 2).unflatten(2, (side, side))
        return self.decoder(self.post_quant_conv(image))
