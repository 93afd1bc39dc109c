"""The decoder that both families' tokenizers have, in plain PyTorch; channels first."""

import torch.nn.functional as F
from torch import nn


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(32, inputs, eps=1e-6), nn.GroupNorm(32, outputs, eps=1e-6)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class PixelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        B, C, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).view(B, 3, C, h * w).transpose(2, 3).unbind(1)
        out = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(out.transpose(1, 2).reshape(B, C, h, w))


class Decoder(nn.Module):
    """Latents (B, D, h, w) to images (B, 3, H, W)."""

    def __init__(self, channels, latents, before, kernel, multipliers=(1, 1, 2, 2, 4)):
        """`before`: channels between the first convolution, of this kernel, and the decoder."""
        super().__init__()
        width = channels * multipliers[-1]
        layers = [
            nn.Conv2d(latents, before, kernel, padding=kernel // 2), nn.Conv2d(before, width, 3, padding=1),
            Residual(width, width), PixelAttention(width), Residual(width, width),
        ]  # fmt: skip
        for level in reversed(range(len(multipliers))):
            for _ in range(3):
                layers.append(Residual(width, channels * multipliers[level]))
                width = channels * multipliers[level]
                if level == len(multipliers) - 1:
                    layers.append(PixelAttention(width))
            if level:
                layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1)]
        layers += [nn.GroupNorm(32, width, eps=1e-6), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents):
        return self.layers(latents).clamp(-1, 1)
