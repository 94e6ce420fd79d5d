"""What reacts to the validation loss: the plateau schedule and early stopping."""


class ValidationWatch:
    """Lowers the learning rate on a plateau and stops a training that no longer improves, as the recipe says."""

    def __init__(self, recipe, model, optimizer):
        self.recipe, self.model, self.optimizer = recipe, model, optimizer
        self.best_loss = float("inf")
        self.best_weights = None
        self.epochs_since_best = self.epochs_since_change = 0

    def wants_to_stop(self, validation_loss):
        """Take note of an epoch's validation loss; whether training should end here."""
        if validation_loss < self.best_loss:
            self.best_loss = validation_loss
            self.epochs_since_best = self.epochs_since_change = 0
            if self.recipe.early_stopping_patience:
                self.best_weights = self.model.get_weights()
        else:
            self.epochs_since_best += 1
            self.epochs_since_change += 1
        if self.recipe.schedule == "plateau" and self.epochs_since_change >= self.recipe.plateau_patience:
            self.optimizer.learning_rate = float(self.optimizer.learning_rate) * self.recipe.step_factor
            self.epochs_since_change = 0
        patience = self.recipe.early_stopping_patience
        return patience is not None and self.epochs_since_best >= patience

    def restore_best(self):
        """With early stopping: put back the weights of the epoch with the lowest validation loss."""
        if self.best_weights is not None and self.epochs_since_best:
            self.model.set_weights(self.best_weights)
