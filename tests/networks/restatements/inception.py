"""GoogLeNet (with BatchNorm and 3x3 for 5x5) and Inception v3 in plain torch."""

import torch
from torch import nn
from torch.nn import functional as F


class Unit(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class FourPaths(nn.Module):
    def __init__(self, inputs, one, reduce3, three, reduce5, five, pooled):
        super().__init__()
        self.branch1 = Unit(inputs, one, 1)
        self.branch2 = nn.Sequential(Unit(inputs, reduce3, 1), Unit(reduce3, three, 3, padding=1))
        self.branch3 = nn.Sequential(Unit(inputs, reduce5, 1), Unit(reduce5, five, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), Unit(inputs, pooled, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Head(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.conv = Unit(inputs, 128, 1)
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, classes)

    def forward(self, x):
        x = self.conv(F.adaptive_avg_pool2d(x, 4)).flatten(1)
        return self.fc2(self.fc1(x).relu())


GOOGLENET = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


class GoogLeNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1, self.conv2 = Unit(3, 64, 7, 2, 3), Unit(64, 64, 1)
        self.conv3 = Unit(64, 192, 3, padding=1)
        for name, row in GOOGLENET.items():
            self.add_module(f"inception{name}", FourPaths(*row))
        self.aux1, self.aux2 = Head(512, classes), Head(528, classes)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x):
        def halve(x):
            return F.max_pool2d(x, 3, 2, ceil_mode=True)

        outputs = {}
        x = halve(self.conv3(self.conv2(halve(self.conv1(x)))))
        for name in GOOGLENET:
            x = halve(x) if name == "4a" else x
            x = F.max_pool2d(x, 2, 2, ceil_mode=True) if name == "5a" else x
            x = getattr(self, f"inception{name}")(x)
            if name in ("4a", "4d"):
                outputs[f"auxiliary_{name}"] = (self.aux1 if name == "4a" else self.aux2)(x)
        return {"scores": self.fc(x.mean((2, 3))), **outputs}


class Paths(nn.Module):
    """Named units of an Inception v3 module; `wiring(module, x)` says how they are joined."""

    def __init__(self, wiring, **units):
        super().__init__()
        self.wiring = wiring
        for name, (inputs, outputs, size, *stride) in units.items():
            kernel = (size, size) if isinstance(size, int) else size
            padding = 0 if stride else (kernel[0] // 2, kernel[1] // 2)
            self.add_module(name, Unit(inputs, outputs, kernel, *stride, padding=padding))

    def forward(self, x):
        return torch.cat(self.wiring(self, x), 1)


def mean(x):
    return F.avg_pool2d(x, 3, 1, 1)


def chain(m, x, stem, *numbers):
    for i in numbers:
        x = getattr(m, f"{stem}_{i}")(x)
    return x


def module_a(inputs, pooled):
    def wiring(m, x):
        double = chain(m, x, "branch3x3dbl", 1, 2, 3)
        return [m.branch1x1(x), chain(m, x, "branch5x5", 1, 2), double, m.branch_pool(mean(x))]

    return Paths(wiring, branch1x1=(inputs, 64, 1), branch5x5_1=(inputs, 48, 1), branch5x5_2=(48, 64, 5),
                 branch3x3dbl_1=(inputs, 64, 1), branch3x3dbl_2=(64, 96, 3), branch3x3dbl_3=(96, 96, 3),
                 branch_pool=(inputs, pooled, 1))  # fmt: skip


def module_b():
    def wiring(m, x):
        return [m.branch3x3(x), chain(m, x, "branch3x3dbl", 1, 2, 3), F.max_pool2d(x, 3, 2)]

    return Paths(wiring, branch3x3=(288, 384, 3, 2), branch3x3dbl_1=(288, 64, 1), branch3x3dbl_2=(64, 96, 3),
                 branch3x3dbl_3=(96, 96, 3, 2))  # fmt: skip


def module_c(c):
    def wiring(m, x):
        long = chain(m, x, "branch7x7dbl", 1, 2, 3, 4, 5)
        return [m.branch1x1(x), chain(m, x, "branch7x7", 1, 2, 3), long, m.branch_pool(mean(x))]

    return Paths(wiring, branch1x1=(768, 192, 1), branch7x7_1=(768, c, 1), branch7x7_2=(c, c, (1, 7)),
                 branch7x7_3=(c, 192, (7, 1)), branch7x7dbl_1=(768, c, 1), branch7x7dbl_2=(c, c, (7, 1)),
                 branch7x7dbl_3=(c, c, (1, 7)), branch7x7dbl_4=(c, c, (7, 1)),
                 branch7x7dbl_5=(c, 192, (1, 7)), branch_pool=(768, 192, 1))  # fmt: skip


def module_d():
    def wiring(m, x):
        return [chain(m, x, "branch3x3", 1, 2), chain(m, x, "branch7x7x3", 1, 2, 3, 4), F.max_pool2d(x, 3, 2)]

    return Paths(wiring, branch3x3_1=(768, 192, 1), branch3x3_2=(192, 320, 3, 2), branch7x7x3_1=(768, 192, 1),
                 branch7x7x3_2=(192, 192, (1, 7)), branch7x7x3_3=(192, 192, (7, 1)),
                 branch7x7x3_4=(192, 192, 3, 2))  # fmt: skip


def module_e(inputs):
    def wiring(m, x):
        three, double = m.branch3x3_1(x), chain(m, x, "branch3x3dbl", 1, 2)
        return [m.branch1x1(x), m.branch3x3_2a(three), m.branch3x3_2b(three), m.branch3x3dbl_3a(double),
                m.branch3x3dbl_3b(double), m.branch_pool(mean(x))]  # fmt: skip

    return Paths(wiring, branch1x1=(inputs, 320, 1), branch3x3_1=(inputs, 384, 1),
                 branch3x3_2a=(384, 384, (1, 3)), branch3x3_2b=(384, 384, (3, 1)),
                 branch3x3dbl_1=(inputs, 448, 1), branch3x3dbl_2=(448, 384, 3),
                 branch3x3dbl_3a=(384, 384, (1, 3)), branch3x3dbl_3b=(384, 384, (3, 1)),
                 branch_pool=(inputs, 192, 1))  # fmt: skip


class AuxLogits(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv0, self.conv1 = Unit(768, 128, 1), Unit(128, 768, 5)
        self.fc = nn.Linear(768, classes)

    def forward(self, x):
        return self.fc(self.conv1(self.conv0(F.avg_pool2d(x, 5, 3))).mean((2, 3)))


class InceptionV3(nn.Module):
    """`auxiliary` adds the second classifier, which needs images of 299 pixels; `forward` calls it then."""

    def __init__(self, classes, auxiliary=False):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Unit(3, 32, 3, 2), Unit(32, 32, 3)
        self.Conv2d_2b_3x3, self.Conv2d_3b_1x1 = Unit(32, 64, 3, padding=1), Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        modules = {"5b": module_a(192, 32), "5c": module_a(256, 64), "5d": module_a(288, 64), "6a": module_b(),
                   "6b": module_c(128), "6c": module_c(160), "6d": module_c(160), "6e": module_c(192),
                   "7a": module_d(), "7b": module_e(1280), "7c": module_e(2048)}  # fmt: skip
        self.order = list(modules)
        for name, module in modules.items():
            self.add_module(f"Mixed_{name}", module)
        self.AuxLogits = AuxLogits(classes) if auxiliary else None
        self.fc = nn.Linear(2048, classes)

    def forward(self, x):
        x = F.max_pool2d(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))), 3, 2)
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, 2)
        outputs = {}
        for name in self.order:
            x = getattr(self, f"Mixed_{name}")(x)
            if name == "6e" and self.AuxLogits is not None:
                outputs["auxiliary_6e"] = self.AuxLogits(x)
        scores = self.fc(x.mean((2, 3)))
        return {"scores": scores, **outputs} if outputs else scores
