"""Statistics of trials and arms: exact where few, and saying what few can show."""
