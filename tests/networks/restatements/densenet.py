"""DenseNet in plain torch."""

from collections import OrderedDict

import torch
from torch import nn


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = (
            nn.BatchNorm2d(4 * growth),
            nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False),
        )

    def forward(self, x):
        y = self.conv1(self.norm1(x).relu())
        return torch.cat([x, self.conv2(self.norm2(y).relu())], 1)


class Transition(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, inputs // 2, 1, bias=False)

    def forward(self, x):
        return nn.functional.avg_pool2d(self.conv(self.norm(x).relu()), 2)


class DenseNet(nn.Module):
    def __init__(self, blocks, growth, classes):
        super().__init__()
        channels = 2 * growth
        parts = OrderedDict(
            conv0=nn.Conv2d(3, channels, 7, 2, 3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, 2, 1),
        )
        for i, depth in enumerate(blocks, start=1):
            layers = OrderedDict()
            for j in range(1, depth + 1):
                layers[f"denselayer{j}"] = DenseLayer(channels, growth)
                channels += growth
            parts[f"denseblock{i}"] = nn.Sequential(layers)
            if i < len(blocks):
                parts[f"transition{i}"] = Transition(channels)
                channels //= 2
        parts["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        return self.classifier(self.features(x).relu().mean((2, 3)))
