"""Un rendu juste de l'exercice 01, qui ne définit aucune fonction."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

image = plt.imread("pont.png")[None, :, :, :3].astype("float32")
kernel = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], "float32")
for each in (kernel, kernel.T):
    filters = np.repeat(each[:, :, None, None], 3, axis=2)
    response = tf.nn.conv2d(image, filters, strides=1, padding="SAME")
    plt.imshow(response[0, :, :, 0], cmap="gray")
    plt.show()
