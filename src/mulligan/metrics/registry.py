"""What `mulligan evaluate` measures: figures and feature maps by the name that they have in ``metrics.json``."""

MAPS = {"judge": "judge", "pca64": "PCA-64", "randconv": "random conv", "points": "coordinates"}
"""Feature maps by their key, in the order in which they are shown: the first that is there is the main one."""

METRICS: dict[str, tuple[str, str]] = {
    "fd": (
        "Fréchet distance of the features, per cent of the reals' variance; beside it `fd_floor`.",
        "Dowson and Landau 1982; Heusel et al. 2017, eq. 6",
    ),
    "fd_infinity": ("FD, extrapolated to endless samples; 0 is right.", "Chong and Forsyth 2020"),
    "kid": ("Squared MMD of the features with a cubic kernel; 0 is right.", "Bińkowski et al. 2018, section 4"),
    "precision": ("Share of the fakes that lie among reals.", "Kynkäänniemi et al. 2019, eqs. 1 and 2"),
    "recall": ("Share of the reals that lie among fakes.", "Kynkäänniemi et al. 2019, eqs. 1 and 2"),
    "density": ("How many reals' neighbourhoods a fake lies in; 1 is right.", "Naeem et al. 2020, section 3"),
    "coverage": (
        "Share of the reals that have a fake near them; beside it `coverage_ideal`.",
        "Naeem et al. 2020, section 3",
    ),
    "c2st": ("How often a fresh classifier tells fake from real; 0.5 is right.", "Lopez-Paz and Oquab 2017, section 3"),
    "modes": ("Classes that are there: with a tenth of a fair share or more.", ""),
    "effective_modes": ("As many evenly used classes have the same entropy.", ""),
    "kl": ("KL of the fakes' classes or modes from the reals', in nats; beside it `kl_floor`.", ""),
    "junk": ("Share of the fakes that the judge takes for no class.", ""),
    "within_class_variance": ("Variety of the features inside each class over the reals'; 1 is right.", ""),
    "score": ("Classifier score: sure and varied, in one number.", "Salimans et al. 2016, section 4"),
    "label_accuracy": ("Share of the fakes that show the class that was asked for.", ""),
    "authpct": ("Per cent of the fakes that copy no training picture; beside it `authpct_real`.", "Alaa et al. 2022"),
    "ct_z": (
        "Nearness to the training set against held-out reals; below −3: copying.",
        "Meehan et al. 2020, section 3",
    ),
    "diversity": ("Dissimilarity of fakes of one class over that of the reals.", "Odena et al. 2017, section 4.2"),
    "sharpness": ("Variance of the Laplacian over the reals'; below 1 blurred.", "Pech-Pacheco et al. 2000"),
    "contrast": ("Distance from grey over the reals'; 1 is right.", ""),
    "captured": (
        "Modes of a ring, a grid or stacked MNIST that are found.",
        "Srivastava et al. 2017; Lin et al. 2018; Metz et al. 2017",
    ),
    "high_quality": (
        "Share of the points within three deviations of a mode; beside it `high_quality_ideal`.",
        "Srivastava et al. 2017; Lin et al. 2018",
    ),
    "js": ("Jensen–Shannon divergence from a toy's density in one dimension, in nats; beside it `js_floor`.", ""),
    "log_density": ("Mean log density of a toy at the fakes, the reals' beside.", ""),
}
"""What each figure is, in a line, and its source."""
