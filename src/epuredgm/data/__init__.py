"""Files to arrays and back: readers, caches, splits, condition normaliser, resident batches, samples."""
