"""A suggestion is made only where it was likely meant."""

import pytest

from swin_keras.errors import is_memory_full, nearest_name

SETS = ("cifar10", "cifar10_1", "cifar100", "digits", "fashion_mnist", "mnist", "trec")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("cifar11", SETS, "cifar10"),
        ("fashion_mnits", SETS, "fashion_mnist"),
        ("digit", SETS, "digits"),
        ("MNIST", SETS, "mnist"),
        ("float16", PRECISIONS, "mixed_float16"),
        ("trian", ("train", "tune"), "train"),
        ("--epocs", ("--epochs", "--erase"), "--epochs"),
        ("--batch", ("--batch-size", "--cutmix"), "--batch-size"),
        ("num_classes", ("num_heads", "classes"), "classes"),
        ("int8", ("onnx", "litert-int8", "litert-int8-static"), "litert-int8"),
        ("swin_tiny_patch4_window7_224", ("swin_small", "swin_tiny"), "swin_tiny"),
    ],
)
def test_slips_and_names_of_the_same_words_are_understood(given, known, meant):
    assert nearest_name(given, known) == f" Did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("nothere", SETS),
        ("--lr", ("--help", "--model", "--name")),
        ("p2", ("p2.out", "p1")),
        ("resnet50", ("swin_tiny",)),
        ("", SETS),
        ("x", ()),
        ("x", ("y",)),
        (3, ("a", "b")),
        (None, SETS),
    ],
)
def test_what_is_merely_the_least_unlike_is_not_suggested(given, known):
    assert nearest_name(given, known) == ""


@pytest.mark.parametrize(
    ("text", "is_full"),
    [
        ("Out of memory while trying to allocate 12 bytes", True),
        ("OOM when allocating tensor with shape[32,224]", True),
        ("failed to allocate 2.0GiB", True),
        ("stream did not init: CUBLAS_STATUS_ALLOC_FAILED", True),
        ("CUDNN_STATUS_ALLOC_FAILED in dnn", True),
        ("Failed to create cuBLAS handle: cublas error", True),
        ("Dst tensor is not initialized.", True),
        ("/runs/a: No space left on device", False),
        ("CUBLAS_STATUS_EXECUTION_FAILED", False),
        ("Matrix size-incompatible: In[0]: [1,2], In[1]: [3,4]", False),
    ],
)
def test_memory_that_is_full_is_known_by_what_is_said(text, is_full):
    assert is_memory_full(RuntimeError(text)) == is_full
    assert is_memory_full(MemoryError("no words"))
