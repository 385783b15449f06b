"""A long short-term memory over a padded sequence, in both directions or forward alone."""

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Temporal(nn.Module):
    """An LSTM that reads each row's real tokens and no padding; forward alone it never looks ahead."""

    def __init__(self, *, tokens_width: int, hidden: int, layers: int, causal: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(tokens_width, hidden, layers, batch_first=True, bidirectional=not causal)
        self.width = hidden if causal else 2 * hidden

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens `[B, L, D]`, mask `[B, L]` with the real ones first: `[B, L, width]`, 0 at padding."""
        if not tokens.numel():
            return tokens.new_zeros(*mask.shape, self.width)
        # A row without any token is read as one token of zeros, and thrown away.
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = pack_padded_sequence(tokens, lengths, batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=tokens.shape[1])
        return read.masked_fill(~mask[..., None], 0)
