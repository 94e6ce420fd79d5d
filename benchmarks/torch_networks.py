"""The networks of `loops.py` in plain PyTorch, as a user of it would write them."""

from torch import nn


def lenet5():
    """Modern LeNet-5 with ReLU and max pooling, for (N, 1, 28, 28)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


class Block(nn.Module):
    """Two 3x3 convolutions with BatchNorm around a shortcut without weights (He et al., 2016, option A)."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.stride, self.extra = stride, channels - channels_in

    def forward(self, x):
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.extra:
            shortcut = nn.functional.pad(shortcut, (0, 0, 0, 0, 0, self.extra))
        return nn.functional.relu(self.body(x) + shortcut)


def resnet20():
    """ResNet-20 of the CIFAR experiments, for (N, 1, 28, 28)."""
    blocks, channels = [], 16
    for stage_channels, stride in ((16, 1), (32, 2), (64, 2)):
        for i in range(3):
            blocks.append(Block(channels, stage_channels, stride if i == 0 else 1))
            channels = stage_channels
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks, *head)


NETWORKS = {"lenet5": lenet5, "resnet20_cifar": resnet20}
