"""What a network is: layers, memory, optimisers. NumPy only."""
