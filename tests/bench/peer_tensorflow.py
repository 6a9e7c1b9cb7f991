"""TensorFlow with Keras: a compiled step (tf.function)."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

from peer import arguments, report

net, batch, seconds = arguments()
threads = len(os.sched_getaffinity(0))
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
K = tf.keras.layers
makers = {"bn": K.BatchNormalization, "maxpool": K.MaxPooling2D, "dropout": K.Dropout, "flatten": K.Flatten,
          "conv": lambda n, size, padding, f: K.Conv2D(n, size, padding=padding, activation=f),
          "dense": lambda n, f: K.Dense(n, activation=f)}
model = tf.keras.Sequential([tf.keras.Input(net["shape"])] + [makers[l[0]](*l[1:]) for l in net["layers"]])
optimizer = tf.keras.optimizers.Adam()
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer.build(model.trainable_variables)
draw = np.random.default_rng(0)
x = tf.constant(draw.random([batch] + net["shape"], dtype=np.float32))
y = tf.constant(draw.integers(0, 10, batch))


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    optimizer.apply_gradients(zip(tape.gradient(value, model.trainable_variables), model.trainable_variables))
    return value


@tf.function
def forward(x):
    return model(x, training=False)


report(lambda: float(step(x, y)), lambda: forward(x).numpy(), seconds)
