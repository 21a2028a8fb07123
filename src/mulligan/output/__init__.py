"""Pictures, animations, reports, exports."""
