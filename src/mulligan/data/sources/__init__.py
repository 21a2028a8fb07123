"""Where samples come from, one file a kind.

- `arrays`: arrays of the user's own; `tables`: .npz, .npy and CSV files; `idx`: the format of MNIST.
- `pictures`: a folder of pictures; `picture_file`: one picture; `streamed`: folders larger than memory.
- `mnist`: the bundled digits, made by `pack`; `published` and `fetch`: data sets that are downloaded once and checked.
- `toys`: points with a known density; `stacked`: Stacked MNIST.
"""
