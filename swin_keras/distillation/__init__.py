"""Learning from a larger model: what a teacher answers, and where that is kept."""
