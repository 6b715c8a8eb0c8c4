"""What XLA is told to leave out."""

import os

# With TensorFlow 2.21 on an H100, gradients in bfloat16 become NaN with it.
WITHOUT_TRITON = "--xla_gpu_enable_triton_gemm=false"


def leave_out_triton():
    """Have XLA multiply matrices on a GPU by cuBLAS, unless XLA_FLAGS says otherwise.

    XLA reads the flags once, when it first compiles.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if WITHOUT_TRITON.split("=")[0] not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {WITHOUT_TRITON}".strip()
