"""What a GAN is: losses, penalties, the game. NumPy only."""
