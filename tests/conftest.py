"""What all tests share: one thread for torch, since several processes share the cores."""

import torch

torch.set_num_threads(1)
