"""Images of the test cluster, made without a network: one static Go program on nothing."""
