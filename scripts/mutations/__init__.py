"""Small breakages of good ports, one module per group of rules; `scripts.sweep --mutate` makes them."""
