"""How good vectors are: zero-shot classes, retrieval, few-shot probes and compositions, beside trivial baselines."""
