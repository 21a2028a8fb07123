"""The spaces in which pictures are compared.

- `maps`: every feature map; start here. `judge`: a classifier of ours, whose last hidden layer is the main one.
- `judging`: which judge a data set gets; `judge_training`: how one is made. Bundled ones are in `judges/`.
"""
