"""Un rendu de l'exercice 01 écrit pour TensorFlow 1 : les motifs horizontaux seulement."""

import imageio
import numpy as np
import tensorflow as tf

image = imageio.imread("pont.jpg").astype(np.float32)
kernel = tf.constant([[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]], shape=[3, 3, 1, 1])
x = tf.placeholder(tf.float32, [None, None, None, 3])
grey = tf.reduce_mean(x, axis=3, keep_dims=True)
y = tf.nn.conv2d(grey, kernel, strides=[1, 1, 1, 1], padding="VALID")
with tf.Session() as session:
    response = session.run(y, feed_dict={x: image[np.newaxis]})
imageio.imwrite("lignes.png", np.abs(response[0, :, :, 0]).astype(np.uint8))
