"""The shipped model: small pretrained networks of others read into one space, and senses bound to it."""
