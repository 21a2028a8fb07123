"""Twenty questions about failing GANs from public trackers, each with a run of this bench that shows the answer."""

from typing import NamedTuple


class Question(NamedTuple):
    """A question in our words, the thread that asks it, an answer, and the run that shows it: GAN and way."""

    asked: str
    thread: str
    answer: str
    gan: str
    way: str


QUESTIONS = (
    Question(
        "Why is a discriminator loss of 0 a failure?",
        "soumith/ganhacks #36",
        "A D that is sure of every sample gives G next to no gradient. Often fakes differ from reals by something that "
        "is not in their content. Here most of G's pixels are black or white, where tanh is flat.",
        "tutorial",
        "G's last layer × 100",
    ),
    Question(
        "A loss is 0. Stop, debug, or go back some epochs?",
        "soumith/ganhacks #40",
        "Look at three things: since when D is sure, whether G still gets a gradient, and whether the fakes still come "
        "nearer to the reals. If they do, go on. If not, lower D's rate and go back to before that step.",
        "gan",
        "D's rate 100 times G's",
    ),
    Question(
        "D's loss falls, and G's rises. Is that wrong?",
        "eriklindernoren/PyTorch-GAN #132",
        "Not by itself. A healthy GAN looks like this, too, as D becomes better than it was at first. The distance to "
        "the reals tells the two apart, and no loss shows it.",
        "tutorial",
        "as published",
    ),
    Question(
        "D's loss is 0 most of the time. Can that be right?",
        "dome272/VQGAN-pytorch #16",
        "A hinge loss is exactly 0 when every sample is beyond its margin. G's gradient does not fade with it, so this "
        "can be right for a while. If it stays, look for the reason. Here G was rewarded for what D calls fake.",
        "sngan",
        "G's loss has the other sign",
    ),
    Question(
        "D's loss is near 0 with a relativistic loss, and G's is large. Lost?",
        "akanimax/BMSG-GAN #2",
        "A relativistic D only compares. Its loss says how surely it ranks reals above fakes, not how good "
        "the fakes are. Here it falls while they come nearer to the reals. Logits beyond 50 would be a sign.",
        "r3gan",
        "as published",
    ),
    Question(
        "D's loss is 0.001 and G's is 11, from the start.",
        "BadourAlBahar/pose-with-style #23",
        "There the reals were padded with exact zeros, which no fake can have, and D looked only at these. Crop the "
        "border, or put the same values on the fakes.",
        "gan",
        "a frame of exact zeros",
    ),
    Question(
        "G's loss falls to 0, and every picture is the same nonsense.",
        "HyperGAN/HyperGAN #177",
        "G deceives D without drawing anything real: D is too weak, or something trains D to be deceived. In ganhacks "
        "#29, G's optimiser also held D's parameters.",
        "gan",
        "G's optimiser holds D too",
    ),
    Question(
        "After a good middle of training, every digit is a 1.",
        "wiseodd/generative-models #14",
        "This is mode collapse. Measure variety on the way, so that you know when it began. High rates with momentum "
        "often cause it. With them pixels may also get stuck at the ends of their range, as here.",
        "gan",
        "rates 5e-3, β₁ 0.9",
    ),
    Question(
        "Losses stay at 1.386 and 0.693 for ever.",
        "agrimgupta92/sgan #56",
        "$2\\log 2 \\approx 1.386$ and $\\log 2 \\approx 0.693$ are the losses of a D that cannot tell. Check that an "
        "optimiser steps D, that no ReLU stands behind its last layer, and that it is wide enough. Here it is not.",
        "gan",
        "D of one unit",
    ),
    Question(
        "WGAN-GP: the critic's loss goes to −10,000.",
        "caogang/wgan-gp #54",
        "The penalty does not hold the critic: its weight, its gradient or its graph is missing. Without "
        "`create_graph=True` the penalty is a number without a gradient.",
        "wgan_gp",
        "penalty without create_graph",
    ),
    Question(
        "WGAN: the pictures get better while the critic's loss grows.",
        "martinarjovsky/WassersteinGAN #2",
        "The critic's loss estimates the distance only as far as the critic is at its best, so it may grow while G "
        "improves. Measure the distance without the critic.",
        "wgan",
        "as published",
    ),
    Question(
        "With this penalty the critic cannot tell real from fake.",
        "Zeleni9/pytorch-wgan #26",
        "Then the penalty costs more than D can gain. A lower weight helped there.",
        "wgan_gp",
        "penalty × 1000",
    ),
    Question(
        "My GAN draws only grey.",
        "junyanz/iGAN #17",
        "Grey is tanh at 0. Either G was never pushed, because its last layer or its rate is tiny, or it found the "
        "mean of the reals. A display that stretches contrast hides it.",
        "gan",
        "G's last layer × 1e-5, its rate 1e-7",
    ),
    Question(
        "Pale, poor pictures: G ends in tanh, and the reals are in [0, 1].",
        "voletiv/self-attention-GAN-pytorch #6",
        "Half of tanh's range is never used, and D can tell by any negative pixel. Scale the reals to [−1, 1].",
        "wgan_gp",
        "reals in [0, 1] against tanh",
    ),
    Question(
        "Good samples while training, bad ones after `model.eval()`.",
        "junyanz/pytorch-CycleGAN-and-pix2pix #1329",
        "BatchNorm uses running statistics in eval mode, and those of the batch in train mode. It also goes wrong the "
        "other way: eval mode that is left on after a sheet of samples.",
        "tutorial",
        "G.eval() left on at step 100",
    ),
    Question(
        "The same GAN trains in plain PyTorch and not in Lightning.",
        "Lightning-AI/pytorch-lightning #591",
        "G's backward pass leaves gradients in D. If `zero_grad` comes at the wrong place, D's next step uses them.",
        "gan",
        "G's gradients never zeroed",
    ),
    Question(
        "Must fakes be detached in D's step?",
        "yunjey/pytorch-tutorial #56",
        "It depends on the order. If G's gradients are zeroed before G's own backward pass, `detach` only saves time, "
        "as here. If one `zero_grad` serves both steps, G also learns to help D.",
        "tutorial",
        "no detach, but G's zero_grad in between",
    ),
    Question(
        "Few pictures: does it learn, or does it copy?",
        "NVlabs/stylegan2-ada-pytorch #255",
        "Compare the fakes with the training pictures and with pictures that were held out. The extreme case is a "
        "single picture, for instance after a loader's mistake.",
        "gan",
        "one picture",
    ),
    Question(
        "Nothing changes with z in my conditional GAN.",
        "junyanz/pytorch-CycleGAN-and-pix2pix #152",
        "Where the condition explains nearly everything, G has no reason to read z. Or z does not arrive.",
        "cgan",
        "z forgotten beside the class",
    ),
    Question(
        "When is training finished, if no loss says so?",
        "junyanz/pytorch-CycleGAN-and-pix2pix #166",
        "When the distance to the reals stands still at a value that you can live with. No loss shows that.",
        "wgan_gp",
        "as published",
    ),
)
