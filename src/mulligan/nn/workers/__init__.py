"""Teams that run one function on all cores and let its workers `meet`, `sum` and `gather`. No word of GANs here.

- `threads`: `ThreadTeam`, which works everywhere; start here. `processes`: `ProcessTeam`, faster on Linux, same bytes.
- `limits`: how many cores and how much memory this process may use; `blas`: which BLAS multiplies.
"""
