"""The data set `digits`: 1,797 handwritten digits that need no download.

They are the test portion of Optical Recognition of Handwritten Digits (E.
Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998) as scikit-learn
carries it. Importing this module lets `tfds.load("digits")` find it.
"""

import numpy as np
import tensorflow_datasets as tfds

from swin_keras.data.splitting import stratified

NAMES = tuple("0123456789")
SPLIT_SEED = 0  # the split is part of the data set: it never changes


class Digits(tfds.core.GeneratorBasedBuilder):
    """8 x 8 grey digits in three stratified splits: 70, 10 and 20 per cent."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=(
                "Handwritten digits of 13 people, scanned, cut out and averaged "
                "down to 8 x 8 pixels. Values 0..16 are scaled to 0..255."
            ),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(8, 8, 1), encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(names=NAMES),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://archive.ics.uci.edu/dataset/80",
            citation=(
                "@misc{alpaydin1998optdigits, author={Alpaydin, E. and Kaynak, C.}, "
                "title={Optical Recognition of Handwritten Digits}, year={1998}, "
                "publisher={UCI Machine Learning Repository}, "
                "doi={10.24432/C50P49}}"
            ),
        )

    def _split_generators(self, dl_manager):
        images, labels = read_digits()
        parts = stratified(labels, (0.1, 0.2), SPLIT_SEED)
        return {
            title: self._generate_examples(images[part], labels[part])
            for title, part in zip(("train", "val", "test"), parts, strict=True)
        }

    def _generate_examples(self, images, labels):
        for key, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield key, {"image": image, "label": int(label)}


def read_digits():
    """Return uint8 images `(1797, 8, 8, 1)`, 0..255, and their labels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return images[..., np.newaxis], digits.target
