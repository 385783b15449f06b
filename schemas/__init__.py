"""What crosses a process boundary: messages, their headers and their bytes."""
