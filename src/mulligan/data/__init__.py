"""Pictures, toys with exact densities, and the resumable batch sampler."""
