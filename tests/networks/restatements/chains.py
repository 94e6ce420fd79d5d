"""VGG and torchvision's AlexNet in plain torch: one layer after another, numbered."""

from torch import nn


class Chain(nn.Module):
    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = nn.Sequential(*features), nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def vgg(depths, classes, side, batch_norm=False):
    """`depths` convolutions of 64, 128, 256, 512, 512 channels; `side` pixels of the map that is flattened."""
    parts, inputs = [], 3
    for depth, channels in zip(depths, (64, 128, 256, 512, 512), strict=True):
        for _ in range(depth):
            parts += [nn.Conv2d(inputs, channels, 3, padding=1)]
            parts += [nn.BatchNorm2d(channels)] * batch_norm + [nn.ReLU()]
            inputs = channels
        parts.append(nn.MaxPool2d(2))
    dense = [nn.Linear(512 * side**2, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
             nn.Dropout(), nn.Linear(4096, classes)]  # fmt: skip
    return Chain(parts, dense)


def alexnet(classes, side):
    """The form of 64-192-384-256-256 channels; `side` pixels of the map that is flattened (6 at 224)."""
    parts = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
             nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
             nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
             nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)]  # fmt: skip
    dense = [nn.Dropout(), nn.Linear(256 * side**2, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096),
             nn.ReLU(), nn.Linear(4096, classes)]  # fmt: skip
    return Chain(parts, dense)
