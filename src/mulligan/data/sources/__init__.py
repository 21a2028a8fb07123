"""Where samples come from, one file a kind.

- `arrays`: the user's arrays; start here. `tables`: .npz, .npy and CSV files. `idx`: the format of MNIST.
- `pictures`: a folder of pictures. `picture_file`: one picture. `streamed`: folders larger than memory.
- `mnist`: the bundled digits. `faces`: the bundled pixel faces.
- `published` and `fetch`: data sets that are downloaded once and checked.
- `toys`: points with a known density. `stacked`: Stacked MNIST.
"""

from mulligan.data.sources.arrays import UNNAMED, as_array, black_of, from_arrays
from mulligan.data.sources.fetch import Published
from mulligan.data.sources.mnist import load_mnist
from mulligan.data.sources.picture_file import SIZES
from mulligan.data.sources.pictures import fitted, load_pictures, load_unresized, read_as
from mulligan.data.sources.stacked import StackedImages
from mulligan.data.sources.streamed import StreamedPictures
from mulligan.data.sources.toys import TOYS, Gaussians, SwissRoll

__all__ = [
    "SIZES",
    "TOYS",
    "UNNAMED",
    "Gaussians",
    "Published",
    "StackedImages",
    "StreamedPictures",
    "SwissRoll",
    "as_array",
    "black_of",
    "fitted",
    "from_arrays",
    "load_mnist",
    "load_pictures",
    "load_unresized",
    "read_as",
]
