"""The Helm chart: what it renders, and what it does in a real cluster with the real helm."""
