"""PyTorch, eager, channels last, with the fused Adam."""
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from peer import arguments, report

net, batch, seconds = arguments()
torch.set_num_threads(len(os.sched_getaffinity(0)))
h, w, c = net["shape"]
activations = {"elu": nn.ELU, "relu": nn.ReLU, "linear": nn.Identity}
layers, flat = [], None
for kind, *args in net["layers"]:
    if kind == "bn":
        layers.append(nn.BatchNorm2d(c, eps=1e-3, momentum=0.01))
    elif kind == "conv":
        n, size, padding, f = args
        border = size // 2 if padding == "same" else 0
        layers += [nn.Conv2d(c, n, size, padding=border), activations[f]()]
        c, h, w = n, h + 2 * border - size + 1, w + 2 * border - size + 1
    elif kind == "maxpool":
        layers.append(nn.MaxPool2d(args[0]))
        h, w = h // args[0], w // args[0]
    elif kind == "dropout":
        layers.append(nn.Dropout(args[0]))
    elif kind == "flatten":
        layers.append(nn.Flatten())
        flat = h * w * c
    else:
        layers += [nn.Linear(flat, args[0]), activations[args[1]]()]
        flat = args[0]
model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), eps=1e-7, fused=True)
draw = np.random.default_rng(0)
height, width, channels = net["shape"]
x = torch.from_numpy(draw.random((batch, channels, height, width), dtype=np.float32))
x = x.contiguous(memory_format=torch.channels_last)
y = torch.from_numpy(draw.integers(0, 10, batch))


def train():
    model.train()
    optimizer.zero_grad(set_to_none=True)
    value = F.cross_entropy(model(x), y)
    value.backward()
    optimizer.step()
    return value.item()


def predict():
    model.eval()
    with torch.inference_mode():
        return model(x).numpy()


report(train, predict, seconds)
