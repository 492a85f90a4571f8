"""From clips to unit vectors: one file a modality, one small transformer for all."""
