"""Statistics of few runs over months: pure, own arithmetic, each with its source and its limits."""
