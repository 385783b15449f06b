"""What is learned from: recordings and faces as they are and as they could be, as tokens, in dialogues."""
