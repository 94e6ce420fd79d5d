"""The fused epoch on PyTorch: an eager loop over data that stay on the device, read back once."""

import torch
from keras.src.backend.torch.core import get_device

from cnnlib.training.augmented import augmented
from cnnlib.training.losses import correct_in_top, scores_of


class Loop:
    """Training and evaluation of one network; the contract of `loop_tensorflow.Loop`."""

    def __init__(self, model, optimizer, loss, augmentation=None):
        self.model, self.optimizer, self.loss, self.augmentation = model, optimizer, loss, augmentation

    def put(self, array):
        return torch.tensor(array, device=get_device())

    def run(self, images, labels, order, start, stop):
        """Train; returns (sum of step losses, number of right answers) as floats."""
        total = torch.zeros((), device=images.device)
        correct = torch.zeros((), device=images.device)
        variables = self.model.trainable_variables
        for step in range(start, stop):
            x, y = self._batch(images, labels, order[step])
            x, y = augmented(self.augmentation, x, y)
            outputs = self.model(x, training=True)
            value = torch.mean(self.loss(y, outputs, x)) + sum(self.model.losses)
            self.model.zero_grad()
            self.optimizer.scale_loss(value).backward()
            with torch.no_grad():
                self.optimizer.apply([variable.value.grad for variable in variables], variables)
                total += value.detach()
                correct += correct_in_top(y, scores_of(outputs), 1).sum()
        return float(total), float(correct)

    @torch.no_grad()
    def evaluate(self, images, labels, order, weights):
        """Returns (sum of losses, right answers, labels among the five best) over weighted batches."""
        sums = torch.zeros(3, device=images.device)
        for index, weight in zip(order, weights, strict=True):
            x, y = self._batch(images, labels, index)
            outputs = self.model(x, training=False)
            scores = scores_of(outputs)
            values = (self.loss(y, outputs, x), correct_in_top(y, scores, 1), correct_in_top(y, scores, 5))
            sums += torch.stack([(weight * value).sum() for value in values])
        return tuple(float(value) for value in sums)

    def _batch(self, images, labels, index):
        index = index.long()
        return images[index].float() * (1.0 / 255.0), labels[index].long()
