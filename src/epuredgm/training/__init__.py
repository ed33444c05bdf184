"""One trainer for every family: phases of updates, resume points, weights for use."""
