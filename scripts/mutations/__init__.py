"""Small breakages of good ports, by the kind of rule that has to find them. `scripts.sweep --mutate` makes them."""
