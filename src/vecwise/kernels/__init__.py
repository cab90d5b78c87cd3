"""Arrays in, arrays out: the mathematics, with no vecwise types."""
