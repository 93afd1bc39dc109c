"""LlamaGen's transformer in plain PyTorch, as the teacher and as the students' trunk, with names as in the Swift networks."""

import torch
import torch.nn.functional as F
from torch import nn


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
    return torch.stack([a * cosine - b * sine, b * cosine + a * sine], dim=-1).flatten(-2).type_as(x)


class Attention(nn.Module):
    def __init__(self, C, heads):
        super().__init__()
        self.heads = heads
        self.wqkv = nn.Linear(C, 3 * C, bias=False)
        self.wo = nn.Linear(C, C, bias=False)

    def forward(self, x, turns, cache=None, position=0):
        """With a cache, keys and values (B, H, L, d) of all tokens, x is the token at the position."""
        B, L, C = x.shape
        q, k, v = self.wqkv(x).view(B, L, 3, self.heads, C // self.heads).unbind(2)
        q, k, v = (y.transpose(1, 2) for y in (rotated(q, turns), rotated(k, turns), v))
        if cache is not None:
            for whole, new in zip(cache[self], (k, v)):
                whole[:, :, position : position + 1] = new
            k, v = (whole[:, :, : position + 1] for whole in cache[self])
        out = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        return self.wo(out.transpose(1, 2).reshape(B, L, C))


class FeedForward(nn.Module):
    def __init__(self, C):
        super().__init__()
        hidden = (4 * C * 2 // 3 + 255) // 256 * 256
        self.w1, self.w3 = nn.Linear(C, hidden, bias=False), nn.Linear(C, hidden, bias=False)
        self.w2 = nn.Linear(hidden, C, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Norm(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(C))

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, eps=1e-5)


class Layer(nn.Module):
    def __init__(self, C, heads):
        super().__init__()
        self.attention, self.feed_forward = Attention(C, heads), FeedForward(C)
        self.attention_norm, self.ffn_norm = Norm(C), Norm(C)

    def forward(self, x, turns, cache=None, position=0):
        x = x + self.attention(self.attention_norm(x), turns, cache, position)
        return x + self.feed_forward(self.ffn_norm(x))


class Body(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        C, heads = sizes["width"], sizes["heads"]
        self.sizes = sizes
        self.cls_embedding = nn.ModuleDict({"embedding_table": nn.Embedding(sizes["classCount"] + 1, C)})
        self.tok_embeddings = nn.Embedding(sizes["vocabulary"], C)
        self.layers = nn.ModuleList(Layer(C, heads) for _ in range(sizes["depth"]))
        self.norm = Norm(C)
        self.register_buffer("turns", rotary_table(sizes["side"], C // heads), persistent=False)

    def start(self, labels):
        return self.cls_embedding["embedding_table"](labels).unsqueeze(1)

    def states(self, x):
        for layer in self.layers:
            x = layer(x, self.turns)
        return self.norm(x)


class Transformer(Body):
    """The teacher."""

    def __init__(self, sizes):
        super().__init__(sizes)
        self.output = nn.Linear(sizes["width"], sizes["vocabulary"], bias=False)

    def forward(self, ids_BL, labels):
        """Teacher-forced logits."""
        shown = torch.cat([self.start(labels), self.tok_embeddings(ids_BL[:, :-1])], dim=1)
        return self.output(self.states(shown))

    def sample(self, labels):
        """Draws token by token with cached keys and values: ids (B, L)."""
        B, L, x, ids = len(labels), self.sizes["side"] ** 2, self.start(labels), []
        cache = {
            layer.attention: tuple(
                torch.empty(B, self.sizes["heads"], L, self.sizes["width"] // self.sizes["heads"], dtype=x.dtype)
                for _ in range(2)
            )
            for layer in self.layers
        }
        for position in range(L):
            for layer in self.layers:
                x = layer(x, self.turns[position : position + 1], cache, position)
            probabilities = self.output(self.norm(x))[:, -1].float().softmax(-1)
            ids.append(torch.multinomial(probabilities, 1))
            x = self.tok_embeddings(ids[-1])
        return torch.cat(ids, dim=1)


class Trunk(Body):
    """The students': reads latents. A latent's embedding is that of the nearest code and a map of what is left."""

    def __init__(self, sizes, codes_VD):
        super().__init__(sizes)
        self.latent_projection = nn.Linear(sizes["latentDimension"], sizes["width"], bias=False)
        self.codes_VD, self.half_squares_V = codes_VD, codes_VD.square().sum(-1) / 2

    def hidden(self, latents_BLD, labels, ids_BL=None, extra_BLC=None):
        """Hidden states given latents in the teacher's own scale; `ids_BL` are their tokens where they are codes."""
        if ids_BL is not None:
            embedded = self.tok_embeddings(ids_BL[:, :-1])
        else:
            shown = latents_BLD[:, :-1]
            with torch.no_grad():
                nearest = (shown @ self.codes_VD.T - self.half_squares_V).argmax(-1)
            embedded = self.tok_embeddings(nearest) + self.latent_projection(shown - self.codes_VD[nearest])
        x = torch.cat([self.start(labels), embedded], dim=1)
        return self.states(x if extra_BLC is None else x + extra_BLC)
