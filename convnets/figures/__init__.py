"""Les figures : le style de la maison, les dessins de convolution."""
