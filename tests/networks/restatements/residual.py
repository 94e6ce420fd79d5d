"""ResNet and ResNeXt in plain torch."""

from torch import nn


class Block(nn.Module):
    """Two 3x3 (`expansion` 1) or 1x1, 3x3, 1x1 (`expansion` 4); the bottleneck strides in its 3x3."""

    def __init__(self, inputs, channels, stride, expansion, groups=1, group_width=64):
        super().__init__()
        outputs = channels * expansion
        if expansion == 1:
            sizes = [(inputs, channels, 3, stride, 1), (channels, channels, 3, 1, 1)]
        else:
            inner = channels * group_width // 64 * groups
            sizes = [(inputs, inner, 1, 1, 1), (inner, inner, 3, stride, groups), (inner, outputs, 1, 1, 1)]
        self.count = len(sizes)
        for i, (a, b, k, s, g) in enumerate(sizes, start=1):
            self.add_module(f"conv{i}", nn.Conv2d(a, b, k, s, k // 2, groups=g, bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(b))
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, a):
        z = a
        for i in range(1, self.count + 1):
            z = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(z))
            z = z.relu() if i < self.count else z
        return (z + (a if self.downsample is None else self.downsample(a))).relu()


class ResNet(nn.Module):
    def __init__(self, depths, expansion, classes, groups=1, group_width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for i, depth in enumerate(depths):
            blocks = []
            for j in range(depth):
                stride = 2 if i > 0 and j == 0 else 1
                blocks.append(Block(inputs, 64 * 2**i, stride, expansion, groups, group_width))
                inputs = 64 * 2**i * expansion
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
        return self.fc(x.mean((2, 3)))
