"""What the peers share: the arguments (FOLDER NET BATCH SECONDS), and timing as step.lua does it."""
import json
import resource
import sys
import time


def arguments():
    folder, name, batch, seconds = sys.argv[1:5]
    with open(folder + "/nets.json") as file:
        net = json.load(file)[name]
    return net, int(batch) or net["batch"], float(seconds)


def times(f, seconds):
    result, stop = [], time.perf_counter() + seconds
    while not result or time.perf_counter() < stop:
        start = time.perf_counter()
        f()
        result.append((time.perf_counter() - start) * 1e3)
    return result


def report(train, predict, seconds):
    start = time.perf_counter()
    train()
    first = (time.perf_counter() - start) * 1e3
    train(), predict(), predict()
    print(json.dumps({"first": first, "train": times(train, seconds), "predict": times(predict, seconds),
                      "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
