"""From result files to what people look at: pictures, galleries, reports. No torch."""
