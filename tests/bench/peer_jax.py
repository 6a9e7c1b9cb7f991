"""JAX: one jitted step with optax's Adam."""
import jax
import jax.numpy as jnp
import numpy as np
import optax

from peer import arguments, report

net, batch, seconds = arguments()
draw = np.random.default_rng(0)
activations = {"elu": jax.nn.elu, "relu": jax.nn.relu, "linear": lambda x: x}


def glorot(shape):
    receptive = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
    return jnp.asarray(draw.uniform(-limit, limit, shape).astype(np.float32))


def new_parameters():
    h, w, c = net["shape"]
    flat, result = None, []
    for kind, *args in net["layers"]:
        p = ()
        if kind == "bn":
            p = (jnp.ones(c), jnp.zeros(c))
        elif kind == "conv":
            n, size, padding, _ = args
            p, c = (glorot((size, size, c, n)), jnp.zeros(n)), n
            if padding == "valid":
                h, w = h - size + 1, w - size + 1
        elif kind == "maxpool":
            h, w = h // args[0], w // args[0]
        elif kind == "flatten":
            flat = h * w * c
        elif kind == "dense":
            p, flat = (glorot((flat, args[0])), jnp.zeros(args[0])), args[0]
        result.append(p)
    return result


def apply(parameters, x, key, training):
    for (kind, *args), p in zip(net["layers"], parameters):
        if kind == "bn":
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            x = (x - mean) * jax.lax.rsqrt(variance + 1e-3) * p[0] + p[1]
        elif kind == "conv":
            x = jax.lax.conv_general_dilated(x, p[0], (1, 1), args[2].upper(), dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = activations[args[3]](x + p[1])
        elif kind == "maxpool":
            window = (1, args[0], args[0], 1)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
        elif kind == "dropout" and training:
            key, part = jax.random.split(key)
            x = jnp.where(jax.random.bernoulli(part, 1 - args[0], x.shape), x / (1 - args[0]), 0)
        elif kind == "flatten":
            x = x.reshape(x.shape[0], -1)
        elif kind == "dense":
            x = activations[args[1]](x @ p[0] + p[1])
    return x


optimizer = optax.adam(1e-3, eps=1e-7)
parameters = new_parameters()
state, key = optimizer.init(parameters), jax.random.key(200)
x = jnp.asarray(draw.random([batch] + net["shape"], dtype=np.float32))
y = jnp.asarray(draw.integers(0, 10, batch))


@jax.jit
def step(parameters, state, key, x, y):
    key, part = jax.random.split(key)

    def loss(p):
        return optax.softmax_cross_entropy_with_integer_labels(apply(p, x, part, True), y).mean()

    value, gradient = jax.value_and_grad(loss)(parameters)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(parameters, updates), state, key, value


forward = jax.jit(lambda parameters, x: apply(parameters, x, None, False))


def train():
    global parameters, state, key
    parameters, state, key, value = step(parameters, state, key, x, y)
    return float(value)


report(train, lambda: np.asarray(forward(parameters, x)), seconds)
