import numpy as np


def softmax(scores):
    scores = scores - scores.max(axis=1)[:, None]
    powers = np.exp(scores)
    return powers / powers.sum(axis=1)[:, None]


def cross_entropy(scores, labels):
    n = len(labels)
    probabilities = softmax(scores)
    wanted = np.zeros_like(probabilities)
    wanted[range(n), labels] = 1
    loss = -np.sum(wanted * np.log(np.maximum(probabilities, 1e-300))) / n
    return loss, (probabilities - wanted) / n
