"""A run on disk.

- `folder`: what lies where, and `resume`; start here. `checkpoint`: all that the next step depends on.
- `recorder`: keeps the events of a run, safe against a kill at any moment. `log`: reads them back.
"""
