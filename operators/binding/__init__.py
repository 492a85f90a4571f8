"""Binding: a sense learns to say what a frozen anchor, pictures or sentences, says of the same thing."""
