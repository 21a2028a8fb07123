"""Published GANs that fail: reproduced, explained, repaired."""
