"""Keras's DCGAN (keras-team/keras-io, dcgan_overriding_train_step), in torch's backend, with a quarter of its widths.

No normalisation, G ends in a sigmoid and the reals are in [0, 1], channels last. As published, fakes are labelled 1 and
reals 0, labels get noise, real and fake share a batch, and Adam has Keras's default β₁ of 0.9, at 3e-4. D first.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import torch
from keras import layers
from samples import Step, forever
from torch.utils.data import DataLoader, TensorDataset

DATA = "digits"


def apply(loss, model, optimizer):
    """Take one step, as in Keras's guide to custom steps in torch."""
    model.zero_grad()
    loss.backward()
    weights = model.trainable_weights
    with torch.no_grad():
        optimizer.apply([weight.value.grad for weight in weights], weights)


def train(pictures, labels, steps, seed, watching=None):
    keras.utils.set_random_seed(seed)
    reals = pictures.permute(0, 2, 3, 1).float() / 255
    G = keras.Sequential(
        [
            keras.Input((128,)),
            layers.Dense(7 * 7 * 32),
            layers.LeakyReLU(0.2),
            layers.Reshape((7, 7, 32)),
            layers.Conv2DTranspose(32, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(32, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(1, 7, padding="same", activation="sigmoid"),
        ]
    )
    D = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(32, 3, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1),
        ]
    )
    criterion = keras.losses.BinaryCrossentropy(from_logits=True)
    opt_d = keras.optimizers.Adam(3e-4)
    opt_g = keras.optimizers.Adam(3e-4)
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=128) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        fakes_are, reals_are = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        # D
        fake = G(torch.randn(len(x), 128)).detach()
        targets = torch.cat([fakes_are, reals_are])
        d_loss = criterion(targets + 0.05 * torch.rand(targets.shape), D(torch.cat([fake, x])))
        apply(d_loss, D, opt_d)
        # G
        fake = G(torch.randn(len(x), 128))
        g_loss = criterion(reals_are, D(fake))
        apply(g_loss, G, opt_g)
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake.detach())
