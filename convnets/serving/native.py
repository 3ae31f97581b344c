"""LiteRT par son API C, sans NumPy : le démarrage de `./predict` en dépend, et sa mémoire.

La bibliothèque `libLiteRt.so` du paquet `ai-edge-litert` exporte une API C dont la forme change
d'une version à l'autre : on ne l'appelle que pour celle qui a été vérifiée. Partout ailleurs,
`native_engine` rend None, et l'appelant prend l'`Interpreter` du même paquet.
"""

import ctypes
import mmap
import os
import sys
import weakref
from collections.abc import Sequence
from ctypes import byref, c_int32, c_int64, c_size_t, c_uint32, c_void_p

VERSION = "2.3.0"  # les en-têtes litert/c/*.h changent d'une version à l'autre
CPU = 1  # kLiteRtHwAcceleratorCpu
HOST_MEMORY = 1  # kLiteRtTensorBufferTypeHostMemory
READ, WRITE = 0, 1  # LiteRtTensorBufferLockMode
UINT8, FLOAT32 = 3, 1  # LiteRtElementType
INT = 2  # kLiteRtAnyTypeInt
AUTO_REGISTER, MIN_SEVERITY = 24, 25  # LiteRtEnvOptionTag


class _TensorType(ctypes.Structure):  # LiteRtRankedTensorType, 72 octets
    _fields_ = [
        ("element_type", c_int32),
        ("rank", c_uint32, 7),
        ("has_strides", c_uint32, 1),
        ("dimensions", c_int32 * 8),
        ("strides", c_uint32 * 8),
    ]


class _EnvOption(ctypes.Structure):  # LiteRtEnvOption, 24 octets
    _fields_ = [("tag", c_int64), ("type", c_int64), ("value", c_int64)]


def library_path() -> str | None:
    """Rend le chemin de `libLiteRt.so`, si c'est bien celle que ce module connaît."""
    if sys.platform != "linux" or ctypes.sizeof(c_void_p) != 8 or sys.byteorder != "little":
        return None
    for folder in sys.path:
        package = os.path.join(folder, "ai_edge_litert")
        if os.path.isdir(package):
            known = os.path.isdir(f"{package}-{VERSION}.dist-info")
            path = os.path.join(package, "libLiteRt.so")
            return path if known and os.path.isfile(path) else None
    return None


class NativeEngine:
    """Un export à une entrée uint8 et une sortie float32, pour peu d'images à la fois.

    Args:
        library: chemin de `libLiteRt.so`.
        content: contenu du fichier `.tflite`, dont l'empreinte a été vérifiée ; rendu par
            `files.map_file`, ses pages, que le moteur a recopiées à sa façon, vont au système.

    Raises:
        ValueError: l'API C a refusé ce contenu, ou il a une autre forme.
        OSError, AttributeError: la bibliothèque ne se charge pas, ou il y manque une fonction.
    """

    def __init__(self, library: str, content: bytes | mmap.mmap):
        self._lib = ctypes.CDLL(library)
        self._env, self._compiled = c_void_p(), c_void_p()
        model, options = c_void_p(), c_void_p()
        weakref.finalize(
            self,
            _release,
            self._lib,
            content,
            {
                "CompiledModel": self._compiled,
                "Options": options,
                "Model": model,
                "Environment": self._env,
            },
        )
        settings = (_EnvOption * 2)((AUTO_REGISTER, INT, CPU), (MIN_SEVERITY, INT, 4))
        call = self._call
        call("LiteRtCreateEnvironment", 2, settings, byref(self._env))
        mapped = isinstance(content, mmap.mmap)
        start = byref(ctypes.c_char.from_buffer(content)) if mapped else ctypes.c_char_p(content)
        call("LiteRtCreateModelFromBuffer", self._env, start, c_size_t(len(content)), byref(model))
        self._input, self._output = self._signature(model)
        call("LiteRtCreateOptions", byref(options))
        call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
        call("LiteRtCreateCompiledModel", self._env, model, options, byref(self._compiled))
        if mapped:  # une page encore demandée serait relue du fichier
            content.madvise(mmap.MADV_DONTNEED)
        self.input_shape = tuple(self._input.dimensions[1 : self._input.rank])
        self.num_outputs, self.output_rank = self._output.dimensions[1], self._output.rank

    def _call(self, name: str, *arguments) -> None:
        status = getattr(self._lib, name)(*arguments)
        if status:
            raise ValueError(f"{name} a échoué ({status})")

    def _signature(self, model: c_void_p) -> tuple[_TensorType, _TensorType]:
        """Rend les types d'entrée et de sortie, de taille de lot variable."""
        signature, count, types = c_void_p(), c_size_t(), []
        self._call("LiteRtGetNumModelSignatures", model, byref(count))
        counts = [count.value]
        self._call("LiteRtGetModelSignature", model, c_size_t(0), byref(signature))
        for side in ("Input", "Output"):
            tensor, kind = c_void_p(), _TensorType()
            self._call(f"LiteRtGetNumSignature{side}s", signature, byref(count))
            counts.append(count.value)
            self._call(
                f"LiteRtGetSignature{side}TensorByIndex", signature, c_size_t(0), byref(tensor)
            )
            self._call("LiteRtGetRankedTensorType", tensor, byref(kind))
            types.append(kind)
        x, y = types
        if counts != [1, 1, 1] or (x.element_type, y.element_type, y.rank) != (UINT8, FLOAT32, 2):
            raise ValueError("pas une entrée uint8 et une sortie float32")
        sides = [*x.dimensions[1 : x.rank], y.dimensions[1]]
        if x.rank < 2 or (x.dimensions[0], y.dimensions[0]) != (-1, -1) or min(sides) < 1:
            raise ValueError("pas un lot variable d'images de taille fixe")
        return x, y

    def answer(self, images: Sequence[bytes]) -> list[list[float]]:
        """Rend la sortie de chaque image, dont les octets sont dans l'ordre d'`input_shape`.

        Raises:
            ValueError: un appel a échoué ; ce qu'il avait réservé est rendu.
        """
        x, y = c_void_p(), c_void_p()
        try:
            return self._run(images, x, y)
        finally:
            for buffer in (x, y):
                if buffer:
                    self._lib.LiteRtDestroyTensorBuffer(buffer)

    def _run(self, images: Sequence[bytes], x: c_void_p, y: c_void_p) -> list[list[float]]:
        """Crée les tampons `x` et `y`, que l'appelant rendra, et calcule."""
        call, pixels, size, address = self._call, b"".join(images), self.num_outputs, c_void_p()
        self._input.dimensions[0] = self._output.dimensions[0] = len(images)
        call(
            "LiteRtCompiledModelResizeInputTensor",
            self._compiled,
            c_size_t(0),
            c_size_t(0),
            self._input.dimensions,
            c_size_t(self._input.rank),
        )
        call(
            "LiteRtCreateManagedTensorBuffer",
            self._env,
            HOST_MEMORY,
            byref(self._input),
            c_size_t(len(pixels)),
            byref(x),
        )
        call(
            "LiteRtCreateManagedTensorBuffer",
            self._env,
            HOST_MEMORY,
            byref(self._output),
            c_size_t(4 * len(images) * size),
            byref(y),
        )
        call("LiteRtLockTensorBuffer", x, byref(address), WRITE)
        ctypes.memmove(address, pixels, len(pixels))
        call("LiteRtUnlockTensorBuffer", x)
        call(
            "LiteRtRunCompiledModel",
            self._compiled,
            c_size_t(0),
            c_size_t(1),
            byref(x),
            c_size_t(1),
            byref(y),
        )
        call("LiteRtLockTensorBuffer", y, byref(address), READ)
        output = (ctypes.c_float * (len(images) * size)).from_address(address.value)[:]
        call("LiteRtUnlockTensorBuffer", y)
        return [output[i : i + size] for i in range(0, len(output), size)]


def _release(lib: ctypes.CDLL, content: bytes | mmap.mmap, handles: dict[str, c_void_p]) -> None:
    """Rend la mémoire de ce qui a été créé ; `content`, que LiteRT lit sur place, vit jusque-là."""
    for kind, handle in handles.items():
        if handle:
            getattr(lib, f"LiteRtDestroy{kind}")(handle)


def native_engine(content: bytes | mmap.mmap) -> NativeEngine | None:
    """Rend le moteur natif, ou None quand il faut passer par l'`Interpreter`."""
    library = library_path()
    if library is None:
        return None
    try:
        return NativeEngine(library, content)
    except (OSError, AttributeError, ValueError):
        return None
