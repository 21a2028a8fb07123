"""Where samples come from, one file a kind.

- `arrays`: the user's arrays; start here. `tables`: .npz, .npy and CSV files. `idx`: the format of MNIST.
- `pictures`: a folder of pictures, which decide how they are read. `picture_file`: one picture. `reading`: how.
- `mnist`: the bundled digits, also stacked. `faces`: the bundled pixel faces.
- `published`: Fashion-MNIST, which is downloaded once and checked.
- `toys`: points with a known density.
"""

from mulligan.data.sources.arrays import UNNAMED as UNNAMED
from mulligan.data.sources.arrays import as_array as as_array
from mulligan.data.sources.arrays import black_of as black_of
from mulligan.data.sources.arrays import from_arrays as from_arrays
from mulligan.data.sources.pictures import fit_pictures as fit_pictures
from mulligan.data.sources.pictures import load_unresized as load_unresized
from mulligan.data.sources.reading import SIZES as SIZES
from mulligan.data.sources.reading import Reading as Reading
from mulligan.data.sources.toys import TOYS as TOYS
