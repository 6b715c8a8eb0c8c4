"""One way to run a Swin Transformer on a GPU, in a process of its own; see `gpu.py`.

python gpu_contenders.py NAME BATCH MODE VARIANT
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import numpy as np
from race import answer_turns

CLASSES = 1000
TIMM = {
    "swin_tiny": "swin_tiny_patch4_window7_224",
    "swin_small": "swin_small_patch4_window7_224",
    "swin_base": "swin_base_patch4_window7_224",
    "swinv2_tiny": "swinv2_tiny_window8_256",
}


def batch_of(count, size):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (count, size, size, 3)).astype("float32")
    return images, np.eye(CLASSES, dtype="float32")[np.arange(count) % CLASSES]


def ours(backend):
    """Return a maker of steps on a backend of Keras."""

    def make(mode, count, variant):
        os.environ["KERAS_BACKEND"] = backend
        if backend == "jax":
            import jax as framework
        else:
            import torch as framework
        import keras

        from swin_keras.models import SwinClassifier, variant_config
        from swin_keras.models.summary import summarize

        keras.config.set_dtype_policy("mixed_bfloat16")
        config = variant_config(variant)
        model = SwinClassifier(config, classes=CLASSES)
        images, labels = batch_of(count, config.input_shape[0])
        images = keras.ops.convert_to_tensor(images)
        labels = keras.ops.convert_to_tensor(labels)
        about = {"macs": sum(part.macs for part in summarize(model))}
        if mode == "training":
            model.compile(keras.optimizers.AdamW(1e-4), "categorical_crossentropy")
            return lambda: model.train_on_batch(images, labels), about
        if backend == "torch":

            def run():
                with framework.inference_mode():
                    return model(images, training=False).float().cpu().numpy()

            return run, about
        state = model.trainable_variables, model.non_trainable_variables
        state = [[variable.value for variable in variables] for variables in state]
        call = framework.jit(
            lambda *given: model.stateless_call(*given, training=False)
        )
        return lambda: np.asarray(call(*state, images)[0]), about

    return make


def timm(compiled):
    """Return a maker of steps of timm's model, eager or compiled."""

    def make(mode, count, variant):
        import timm
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = timm.create_model(TIMM[variant], num_classes=CLASSES).to(device)
        size = model.default_cfg["input_size"][-1]
        images, labels = (torch.from_numpy(v).to(device) for v in batch_of(count, size))
        images = images.permute(0, 3, 1, 2).contiguous()
        if mode == "inference":
            model, images = model.eval().bfloat16(), images.bfloat16()
            call = torch.compile(model) if compiled else model

            def run():
                with torch.inference_mode():
                    return call(images).float().cpu().numpy()

            return run, {}
        call = torch.compile(model.train()) if compiled else model.train()
        optimizer = torch.optim.AdamW(model.parameters(), 1e-4)

        def step():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(call(images), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step, {}

    return make


def rate_of_jax(size):
    import jax

    a = jax.numpy.ones((size, size), jax.numpy.bfloat16)
    product = jax.jit(lambda a: a @ a)
    return lambda: product(a).block_until_ready()


def rate_of_torch(size):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    a = torch.ones(size, size, dtype=torch.bfloat16, device=device)
    return lambda: (a @ a).sum().item()


STEPS = {
    "swin-keras on JAX": ours("jax"),
    "swin-keras on torch": ours("torch"),
    "timm compiled": timm(compiled=True),
    "timm": timm(compiled=False),
}
RATES = {"swin-keras on JAX": rate_of_jax, "swin-keras on torch": rate_of_torch}


def main(name, batch, mode, variant):
    def make_step():
        try:
            if mode == "rate":
                size = 8192 if _has_gpu() else 1024
                step, about = RATES[name](size), {"operations": 2 * size**3}
            else:
                step, about = STEPS[name](mode, int(batch), variant)
        except (ImportError, KeyError) as error:
            return None, {"error": str(error).splitlines()[0]}
        step()
        step()
        return step, about

    answer_turns(make_step)


def _has_gpu() -> bool:
    return os.path.exists("/dev/nvidiactl")


if __name__ == "__main__":
    main(*sys.argv[1:])
