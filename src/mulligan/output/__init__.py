"""Pictures, animations, exports, and files that are whole or not there."""
