"""Every figure of a measurement, in words."""

from typing import NamedTuple


class Meaning(NamedTuple):
    """The meaning of a figure in a few words, and a short label (default: the meaning)."""

    meaning: str
    label: str = ""


FIGURES: dict[str, Meaning] = {
    "logit": Meaning("largest mean logit of D (around the middle, where its level is free)", "Largest logit"),
    "r2/r1": Meaning("‖∇D‖² on fakes ÷ on reals"),
    "r2": Meaning("‖∇D‖² on fakes", "Slope of D at the fakes"),
    "g_gradient": Meaning("norm of G's gradient", "Gradient of G"),
    "d_gradient": Meaning("norm of D's gradient", "Gradient of D"),
    "g_growth": Meaning("norm of G's weights ÷ four measurements ago", "Growth of G's weights"),
    "d_growth": Meaning("norm of D's weights ÷ four measurements ago", "Growth of D's weights"),
    "not_finite": Meaning("NaN or infinity in the run", "NaN or infinity"),
    "spread": Meaning("deviation of G(z) over z ÷ that of the reals, inside classes", "Samples differ with z"),
    "listened": Meaning("1 where G's output has ever depended on z, 0 where it never has"),
    "g_first": Meaning("gradient of G's first layer, root mean square"),
    "span": Meaning("range of all fakes ÷ that of the reals", "Range of the pixels"),
    "D(real)": Meaning("σ of D's mean logit on reals"),
    "D(fake)": Meaning("σ of D's mean logit on fakes"),
    "scale": Meaning("range of the data ÷ that of G's output"),
    "offset": Meaning("distance of the data's middle from 0 ÷ half the data's range"),
    "beyond": Meaning("share of the data's range that G's last layer cannot draw"),
    "d_accuracy": Meaning("how often D is right: reals above its loss's threshold, fakes below", "D is right"),
    "ranking": Meaning("how often D ranks a real above a fake", "Pairs that D ranks right"),
    "loss_share": Meaning("D's loss ÷ its loss where it cannot tell, both above the least possible", "D's loss"),
    "push_fall": Meaning("‖∂L_G/∂x‖ ÷ its median so far", "Gradient that D gives G"),
    "gap": Meaning("energy distance of fakes and reals ÷ distance among reals", "Distance to the real ones"),
    "gap_least": Meaning("energy distance ÷ its least so far", "The distance ÷ its least so far"),
    "gap_averaged": Meaning(
        "energy distance of the averaged G's fakes and reals ÷ distance among reals", "The same of the averaged G"
    ),
    "distance": Meaning("distance among fakes ÷ among reals", "Variety of samples"),
    "classes": Meaning("effective number of classes ÷ that of the reals", "Classes in use"),
    "classes_averaged": Meaning("effective number of classes of the averaged G ÷ that of the reals"),
    "modes_found": Meaning(
        "modes of a toy that the averaged G hits, within three deviations ÷ those that the reals hit"
    ),
    "modes_gained": Meaning("those modes, beyond the most of the four measurements before"),
    "spent": Meaning("share of the run that is over"),
    "inner": Meaning("deviation of features inside classes ÷ that of the reals", "Variety inside classes"),
    "inner_change": Meaning("deviation of features inside classes ÷ a measurement ago"),
    "coverage": Meaning("share of reals that have a fake near them (best possible: 0.97)", "Reals that are reached"),
    "sharpness": Meaning("steps between neighbouring pixels ÷ those of the reals", "Edges"),
    "classes_change": Meaning("effective number of classes ÷ a measurement ago"),
    "path_mean": Meaning(
        "path length of a fixed z ÷ how far it got, the mean of two or three measurements", "Samples go in circles"
    ),
    "path": Meaning("path length of a fixed z ÷ how far it got, over two measurements", "Samples go in circles"),
    "gap_most": Meaning(
        "energy distance of fakes and reals ÷ distance among reals, the most of three measurements",
        "Farthest from the real ones",
    ),
    "way": Meaning("path length of a fixed z ÷ range of the data, over two measurements", "Samples move far"),
    "pace": Meaning("path length of a fixed z ÷ range of the data, kept up over the whole run"),
    "travelled": Meaning("path length of a fixed z ÷ range of the data, since the beginning"),
    "lag": Meaning("distance of the averaged G's fakes from the other's ÷ deviation of the reals"),
    "histogram_change": Meaning("total variation of the classes, two measurements apart", "Kinds come and go"),
    "penalty_share": Meaning("gradient penalty ÷ what D has gained", "Penalty against D's gain"),
    "penalty_weight": Meaning("gradient penalty, as it is added to D's loss"),
    "r2_rise": Meaning("‖∇D‖² on fakes ÷ its median so far"),
    "extreme": Meaning("share of pixels at the ends of the range", "Pixels at the ends"),
    "variety": Meaning("deviation of the data over its samples"),
    "nearness": Meaning("distance of a fake to the nearest training sample ÷ that of these among each other"),
    "ct_z": Meaning(
        "nearness to the training set against held-out reals, in deviations (C_T)", "Nearness to the training set"
    ),
    # what `mulligan.Watch` finds in a loop: 1 for yes
    "stale_d": Meaning("D steps with gradients of an earlier step or of G's"),
    "stale_g": Meaning("G steps with gradients of an earlier step"),
    "foreign": Meaning("an optimiser moves both nets, or steps with another loss than its own"),
    "undetached": Meaning("G steps with gradients of D's loss"),
    "double_sigmoid": Meaning("D's loss reads probabilities as logits"),
    "one_target": Meaning("D's loss moves reals and fakes the same way"),
    "with_d": Meaning("G's loss moves fakes the way in which D's moves them"),
    "eval": Meaning("G trains in eval mode"),
    "eval_d": Meaning("D trains in eval mode"),
    "same_z": Meaning("every step drew the same z"),
    "same_x": Meaning("every step had the same reals"),
    "drift": Meaning("distance of D's reals from those of a measurement ago ÷ what chance makes of it"),
    "rates": Meaning("D's learning rate ÷ G's"),
    "stride": Meaning("how far G's samples move in a step ÷ the spread of the reals"),
    "loose": Meaning("D's slope is taken, but no penalty of it reaches D"),
    "free": Meaning("a critic has no penalty, and no bound on its weights is found"),
    "cut": Meaning("G steps without a gradient: its loss does not reach it"),
    "mixed": Meaning("reals and fakes share D's BatchNorm in D's step, and not in G's"),
    "class_in_loop": Meaning("how often D's reals are nearest to the mean of their class ÷ the same for labels="),
    "class_changed": Meaning("how often D gets another class with a fake than G got"),
    "clamped": Meaning("share of D's outputs that are exactly 0 or 1, where cross-entropy has no gradient"),
    "d_still": Meaning("D is exactly as a measurement ago"),
    "d_constant": Meaning("D answers every sample alike"),
    "z_numbers": Meaning("numbers in one z"),
    "distinct": Meaning("different training samples"),
    "distinct_share": Meaning("different training samples ÷ all"),
    "critic_climb": Meaning("how far a critic climbs from fakes to reals ÷ their distance, squared"),
    "rate": Meaning("G's learning rate ÷ the usual one"),
    "critic_slope": Meaning("‖∇D‖² of a critic on reals"),
    "held_slope": Meaning("‖∇D‖² on reals, where a penalty holds D"),
    "unlike": Meaning("reals in [0, 1] against a G in [-1, 1]"),
    "authentic": Meaning("authentic fakes less authentic held-out reals, per cent"),
}
"""Every figure that can be evidence, by the name that `Threshold` and `Probe.measure` give it."""


def figure_of(name: str) -> Meaning:
    """Return the description of a figure. An observer's own figure is described by its name."""
    return FIGURES.get(name, Meaning(name))
