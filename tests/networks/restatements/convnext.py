"""ConvNeXt in plain torch."""

import torch
from torch import nn


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of (N, C, H, W)."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Last(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1)


class First(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(c, c, 7, padding=3, groups=c), Last(), nn.LayerNorm(c, eps=1e-6),
                                   nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c), First())  # fmt: skip
        self.layer_scale = nn.Parameter(torch.ones(c, 1, 1))

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class ConvNeXt(nn.Module):
    def __init__(self, depths, classes):
        super().__init__()
        widths = (96, 192, 384, 768)
        parts = [nn.Sequential(nn.Conv2d(3, 96, 4, 4), ChannelNorm(96, eps=1e-6))]
        for i, (depth, c) in enumerate(zip(depths, widths, strict=True)):
            if i:
                before = widths[i - 1]
                parts.append(nn.Sequential(ChannelNorm(before, eps=1e-6), nn.Conv2d(before, c, 2, 2)))
            parts.append(nn.Sequential(*(Block(c) for _ in range(depth))))
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(ChannelNorm(768, eps=1e-6), nn.Flatten(1), nn.Linear(768, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3), keepdim=True))
