"""The three networks of MTCNN (Zhang et al. 2016, arXiv:1604.02878), from proposals to a box with five landmarks.

Inputs are RGB scaled to `(x - 127.5) / 128`. Boxes are regressed as shares of the window: x0, y0, x1, y1.
"""

from torch import Tensor, nn


class PNet(nn.Module):
    """Proposals: a 12x12 window slid over an image in steps of 2."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 10, 3),
            nn.PReLU(10),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(10, 16, 3),
            nn.PReLU(16),
            nn.Conv2d(16, 32, 3),
            nn.PReLU(32),
        )
        self.box = nn.Conv2d(32, 4, 1)
        self.face = nn.Conv2d(32, 2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images `[B, 3, H, W]` to the log-odds of a face `[B, h, w]` and its box `[B, 4, h, w]`."""
        tokens = self.body(images)
        return _log_odds(self.face(tokens)), self.box(tokens)


class RNet(nn.Module):
    """Refinement: which proposals hold a face, and where in the window."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 28, 3),
            nn.PReLU(28),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(28, 48, 3),
            nn.PReLU(48),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(48, 64, 2),
            nn.PReLU(64),
            nn.Flatten(),
            nn.Linear(576, 128),
            nn.PReLU(128),
        )
        self.box = nn.Linear(128, 4)
        self.face = nn.Linear(128, 2)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Patches `[B, 3, 24, 24]` to the log-odds of a face `[B]` and its box `[B, 4]`."""
        token = self.body(patches)
        return _log_odds(self.face(token)), self.box(token)


class ONet(nn.Module):
    """Output: the face, its box, and both eyes, the nose and the corners of the mouth."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.PReLU(32),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(32, 64, 3),
            nn.PReLU(64),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 64, 3),
            nn.PReLU(64),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(64, 128, 2),
            nn.PReLU(128),
            nn.Flatten(),
            nn.Linear(1152, 256),
            nn.PReLU(256),
        )
        self.box = nn.Linear(256, 4)
        self.landmarks = nn.Linear(256, 10)
        self.face = nn.Linear(256, 2)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Patches `[B, 3, 48, 48]` to the log-odds of a face `[B]`, its box `[B, 4]` and its landmarks `[B, 5, 2]`.

        Landmarks are x, y as shares of the window: left eye, right eye, nose, left and right corner of the mouth.
        """
        token = self.body(patches)
        landmarks = self.landmarks(token).unflatten(1, (2, 5)).transpose(1, 2)
        return _log_odds(self.face(token)), self.box(token), landmarks


def _log_odds(logits: Tensor) -> Tensor:
    """Of the second class. As probabilities the best windows would all be 1, and rounding would choose among them."""
    return logits[:, 1] - logits[:, 0]
