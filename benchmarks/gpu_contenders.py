"""One way to run a Swin Transformer on a GPU, in a subprocess; see `gpu.py`.

python gpu_contenders.py NAME BATCH MODE VARIANT
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import numpy as np
from gpu_tensorflow import (
    import_tensorflow,
    inference_step,
    most_memory,
    training_step,
)
from race import answer_turns
from torch_contenders import CLASSES, import_torchvision

REPEATS = 10  # steps of a turn: the device is not left idle between them
NVIDIA = os.path.exists("/dev/nvidiactl")
TOY = {
    "img_size": 32,
    "patch_size": 2,
    "embed_dim": 32,
    "depths": (2, 2, 2),
    "num_heads": (2, 4, 8),
    "window_size": 4,
    "mlp_ratio": 2.0,
}
TIMM = {
    "swin_nano": ("swin_tiny_patch4_window7_224", TOY),
    "swin_tiny": ("swin_tiny_patch4_window7_224", {}),
    "swin_small": ("swin_small_patch4_window7_224", {}),
    "swin_base": ("swin_base_patch4_window7_224", {}),
    "swinv2_tiny": ("swinv2_tiny_window8_256", {}),
}


def batch_of(count, size):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (count, size, size, 3)).astype("float32")
    return images, np.eye(CLASSES, dtype="float32")[np.arange(count) % CLASSES]


def our_model(variant, mode):
    """Return the model with logits: in training as it is trained, else in bfloat16."""
    import keras

    from swin_keras.applications import create_model

    policy = "mixed_bfloat16" if mode == "training" else "bfloat16"
    keras.config.set_dtype_policy(policy)
    return create_model(variant, classes=CLASSES, classifier_activation=None)


def about(model):
    from swin_keras.models.summary import summarize

    return {"macs": sum(part.macs for part in summarize(model))}


def our_loss():
    import keras

    return keras.losses.CategoricalCrossentropy(from_logits=True)


def ours_on_jax(mode, count, variant):
    """Make a step of the public functional calls, which `fit` is made of, too."""
    os.environ["KERAS_BACKEND"] = "jax"
    jax = gpu_jax()
    model = our_model(variant, mode)
    batch = jax.device_put(batch_of(count, model.input_shape[1]))
    if mode == "inference":
        call = jax.jit(lambda *given: model.stateless_call(*given, training=False)[0])
        images, state = batch[0], values(model)
        return (lambda: call(*state, images)), jax.block_until_ready, about(model)
    step, state = jax_training(jax, model)
    state = [state]  # of which each step makes a new one, in place

    def run():
        state[0], loss = step(state[0], batch)
        return loss

    return run, jax.block_until_ready, about(model)


def values(model):
    variables = model.trainable_variables, model.non_trainable_variables
    return [[variable.value for variable in some] for some in variables]


def jax_training(jax, model):
    """Return a training step of a state and a batch, and the state to begin with."""
    import keras

    optimizer, loss = keras.optimizers.AdamW(1e-4), our_loss()
    optimizer.build(model.trainable_variables)

    def compute(trainable, other, images, labels):
        outputs, other = model.stateless_call(trainable, other, images, training=True)
        return loss(labels, outputs), other

    gradients_of = jax.value_and_grad(compute, has_aux=True)

    def step(state, batch):
        trainable, other, slots = state
        (value, other), gradients = gradients_of(trainable, other, *batch)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return (trainable, other, slots), value

    slots = [variable.value for variable in optimizer.variables]
    state = jax.tree.map(jax.numpy.copy, (*values(model), slots))  # is given away
    return jax.jit(step, donate_argnums=0), state


def ours_on_torch(mode, count, variant):
    os.environ["KERAS_BACKEND"] = "torch"
    torch, device = gpu_torch()
    import keras

    model = our_model(variant, mode)
    images, labels = batch_of(count, model.input_shape[1])
    images, labels = (torch.from_numpy(v).to(device) for v in (images, labels))
    if mode == "inference":

        def run():
            with torch.inference_mode():
                return model(images, training=False)

        return run, to_numpy, about(model)
    optimizer, loss_of = keras.optimizers.AdamW(1e-4), our_loss()
    optimizer.build(model.trainable_variables)

    def step():
        model.zero_grad()
        loss = loss_of(labels, model(images, training=True))
        loss.backward()
        gradients = [v.value.grad for v in model.trainable_weights]
        with torch.no_grad():
            optimizer.apply(gradients, model.trainable_weights)
        return loss

    return step, to_numpy, about(model)


def ours_on_tensorflow(compiled, devices=1):
    """Return a maker of steps as the package runs them; each device has a batch."""

    def make(mode, count, variant):
        if mode == "inference" and devices > 1:
            raise ImportError("inference runs on one device")
        tf = import_tensorflow(NVIDIA, devices)
        model = our_model(variant, mode)
        batch = batch_of(count, model.input_shape[1])
        told = about(model) | {"devices": devices}
        if mode == "inference":
            step = inference_step(tf, model, batch[0], compiled)
        else:
            step, _ = training_step(
                tf, lambda: our_model(variant, mode), batch, compiled, devices
            )
        return step, lambda result: result.numpy(), told

    return make


def timm(compiled):
    """Return a maker of steps of timm's model, eager or compiled."""

    def make(mode, count, variant):
        torch, device = gpu_torch()
        import_torchvision()  # which timm imports
        import timm

        name, sizes = TIMM[variant]
        model = timm.create_model(name, num_classes=CLASSES, **sizes).to(device)
        size = model.patch_embed.img_size[0]
        images, labels = (torch.from_numpy(v).to(device) for v in batch_of(count, size))
        images = images.permute(0, 3, 1, 2).contiguous()
        model = model.train() if mode == "training" else model.eval().bfloat16()
        call = torch.compile(model) if compiled else model
        if mode == "inference":
            images = images.bfloat16()

            def run():
                with torch.inference_mode():
                    return call(images)

            return run, to_numpy, {}
        fused = device == "cuda"
        optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=fused)

        def step():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(call(images), labels)
            loss.backward()
            optimizer.step()
            return loss

        return step, to_numpy, {}

    return make


def to_numpy(tensor):
    return tensor.detach().float().cpu().numpy()


def gpu_jax():
    import jax

    if NVIDIA and jax.default_backend() != "gpu":
        raise ImportError("JAX sees no GPU")
    return jax


def gpu_torch():
    import torch

    if NVIDIA and not torch.cuda.is_available():
        raise ImportError("torch sees no GPU")
    return torch, "cuda" if torch.cuda.is_available() else "cpu"


def rate_of_jax(size):
    jax = gpu_jax()
    a = jax.random.normal(jax.random.key(0), (size, size), jax.numpy.bfloat16)
    product = jax.jit(lambda a: a @ a)
    return (lambda: product(a)), jax.block_until_ready


def rate_of_torch(size):
    torch, device = gpu_torch()
    a = torch.randn(size, size, dtype=torch.bfloat16, device=device)
    return (lambda: a @ a), lambda product: product[0, 0].item()


def rate_of_tensorflow(size):
    tf = import_tensorflow(NVIDIA)
    a = tf.cast(tf.random.normal((size, size)), tf.bfloat16)
    product = tf.function(lambda: a @ a, jit_compile=True)
    return product, lambda result: result[0, 0].numpy()


STEPS = {  # in the order in which they begin: what matters most comes first
    "swin-keras, XLA": ours_on_tensorflow(compiled=True),
    "timm compiled": timm(compiled=True),
    "swin-keras on JAX": ours_on_jax,
    "swin-keras, graph": ours_on_tensorflow(compiled=False),
    "swin-keras, XLA, 2 devices": ours_on_tensorflow(compiled=True, devices=2),
    "timm": timm(compiled=False),
    "swin-keras on torch": ours_on_torch,
}
RATES = {
    "swin-keras on JAX": rate_of_jax,
    "swin-keras on torch": rate_of_torch,
    "swin-keras, XLA": rate_of_tensorflow,
}


def framework_of(name) -> str:
    """Return what a contender runs on; the others may be imported beside it."""
    if name == "swin-keras on JAX":
        return "jax"
    return "torch" if "torch" in name or "timm" in name else "tensorflow"


def memory_of_jax():
    stats = sys.modules["jax"].local_devices()[0].memory_stats() or {}
    return stats.get("peak_bytes_in_use", 0)


def memory_of_torch():
    return sys.modules["torch"].cuda.max_memory_allocated()


MEMORY = {
    "jax": memory_of_jax,
    "torch": memory_of_torch,
    "tensorflow": lambda: most_memory(sys.modules["tensorflow"]),
}


def device_memory(name) -> dict:
    """Return the most memory that the GPU held for this contender, if it tells."""
    try:
        peak = MEMORY[framework_of(name)]() if NVIDIA else 0
    except Exception as error:  # of any kind: the figure is not worth a contender
        print(f"{name} does not tell its memory: {error}", file=sys.stderr)
        return {}
    return {"device_megabytes": peak / 1e6} if peak else {}


def main(name, batch, mode, variant):
    def make_turn():
        try:
            if mode == "rate":
                size = 8192 if NVIDIA else 512
                (step, wait), told = RATES[name](size), {"operations": 2 * size**3}
            else:
                step, wait, told = STEPS[name](mode, int(batch), variant)
        except (ImportError, KeyError) as error:
            return None, {"error": str(error).splitlines()[0]}
        turn = repeated(step, wait)
        wait(step())
        turn()
        if mode == "training":
            told |= {"loss": float(np.mean(np.asarray(wait(step()), "float32")))}
        return turn, told | device_memory(name)

    answer_turns(make_turn, REPEATS)


def repeated(step, wait):
    """Return a function that does the step ten times, and waits for the last."""

    def turn():
        for _ in range(REPEATS):
            result = step()
        wait(result)

    return turn


if __name__ == "__main__":
    main(*sys.argv[1:])
