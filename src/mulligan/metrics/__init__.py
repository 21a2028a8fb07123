"""How good are the pictures: distances, coverage, modes, copies, each with its floor."""
