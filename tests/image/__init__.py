"""The runner's image, built without a registry and run as a real container."""
