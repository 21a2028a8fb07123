"""Published GANs that fail: reproduced, explained, repaired.

One file an exhibit, each a `Case` in `CASES`; what only a recipe of the museum needs is in `kinds`.
"""
