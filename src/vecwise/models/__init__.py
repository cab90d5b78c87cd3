"""What learning does with vectors: fitted estimators judged and kept."""
