"""Files to arrays and back: readers, caches, splits, condition normaliser, device-resident batches, samples."""
