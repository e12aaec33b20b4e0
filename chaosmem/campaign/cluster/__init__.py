"""The cluster engine: Kubernetes queues, spreads and repeats the cells, as one Indexed Job."""
