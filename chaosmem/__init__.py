"""chaosmem: declared memory experiments on Go services, with a verdict that can be recomputed."""

__version__ = "0.1.0"
