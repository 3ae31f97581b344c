"""La descente, une vitesse par poids, chaque poids remplacé dans sa couche."""


class Descent:
    def __init__(self, layers, *, learning_rate, momentum):
        self.layers = layers
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities = {}

    def step(self):
        for i, layer in enumerate(self.layers):
            for k, gradient in enumerate(layer.gradients):
                velocity = self.momentum * self.velocities.get((i, k), 0.0)
                velocity = velocity - self.learning_rate * gradient
                self.velocities[i, k] = velocity
                layer.weights[k] = layer.weights[k] + velocity
