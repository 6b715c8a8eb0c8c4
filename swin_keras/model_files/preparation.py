"""How pictures become a model's inputs, as its card says; the usual way without one."""


class CardPreparation:
    """What `Task.read` asks of a model that has a `card`, or `None` in its place."""

    card = None

    @property
    def crop_fraction(self) -> float:
        """Share of an image that the centre crop keeps before resizing."""
        return self.card.crop_fraction if self.card else 1.0

    @property
    def letter_box(self) -> bool:
        """Whether a whole picture keeps its width over height, with black at sides."""
        return bool(self.card and self.card.letter_box)

    @property
    def grey_range(self) -> tuple[float, float] | None:
        """Values of black and white in grey images of more than 8 bits."""
        return self.card.grey_range if self.card else None
