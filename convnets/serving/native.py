"""LiteRT par son API C, sans NumPy : pour que `./predict` démarre vite, en peu de mémoire.

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
XNNPACK = b"xnnpack"  # LrtGetCpuOptionsIdentifier


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

    Une deuxième sortie, d'un nombre par image, est sa familiarité
    (docs/laboratoire/familiarite.md).

    Args:
        library: chemin de `libLiteRt.so`.
        content: contenu du fichier `.tflite`, dont l'empreinte a été vérifiée. S'il vient de
            `files.map_file`, ses pages sont rendues au système : le moteur en a fait une copie.
        num_threads: fils de calcul.

    Raises:
        ValueError: l'API C a refusé ce contenu, ou il a une autre forme.
        OSError, AttributeError: la bibliothèque ne se charge pas, ou il y manque une fonction.
    """

    def __init__(self, library: str, content: bytes | mmap.mmap, *, num_threads: int = 1):
        self._lib = ctypes.CDLL(library)
        self._env, self._compiled = c_void_p(), c_void_p()
        model, options, threads = c_void_p(), c_void_p(), c_void_p()
        weakref.finalize(
            self,
            _release,
            self._lib,
            content,
            {
                "CompiledModel": self._compiled,
                "OpaqueOptions": threads,
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
        self._input, *self._outputs = self._signature(model)
        call("LiteRtCreateOptions", byref(options))
        call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
        if num_threads > 1:
            self._lib.strdup.restype = c_void_p
            text = c_void_p(self._lib.strdup(b"num_threads = %d" % num_threads))
            call("LiteRtCreateOpaqueOptions", XNNPACK, text, self._lib.free, byref(threads))
            call("LiteRtAddOpaqueOptions", options, threads)
            threads.value = None  # `options` les rendra
        call("LiteRtCreateCompiledModel", self._env, model, options, byref(self._compiled))
        if mapped:  # une page encore demandée serait relue du fichier
            content.madvise(mmap.MADV_DONTNEED)
        self.input_shape = tuple(self._input.dimensions[1 : self._input.rank])
        self.num_outputs, self.output_rank = self._outputs[0].dimensions[1], 2

    def _call(self, name: str, *arguments) -> None:
        status = getattr(self._lib, name)(*arguments)
        if status:
            raise ValueError(f"{name} a échoué ({status})")

    def _signature(self, model: c_void_p) -> list[_TensorType]:
        """Rend le type de l'entrée, puis des sorties, de taille de lot variable."""
        signature, count, types = c_void_p(), c_size_t(), []
        self._call("LiteRtGetNumModelSignatures", model, byref(count))
        counts = [count.value]
        self._call("LiteRtGetModelSignature", model, c_size_t(0), byref(signature))
        for side in ("Input", "Output"):
            self._call(f"LiteRtGetNumSignature{side}s", signature, byref(count))
            counts.append(count.value)
            for index in range(count.value):
                tensor, kind = c_void_p(), _TensorType()
                self._call(
                    f"LiteRtGetSignature{side}TensorByIndex",
                    signature,
                    c_size_t(index),
                    byref(tensor),
                )
                self._call("LiteRtGetRankedTensorType", tensor, byref(kind))
                types.append(kind)
        x, *outputs = types
        sides = [*x.dimensions[1 : x.rank], *(y.dimensions[1] for y in outputs)]
        known = (
            counts in ([1, 1, 1], [1, 1, 2])  # une entrée, une ou deux sorties
            and x.element_type == UINT8
            and all((y.element_type, y.rank) == (FLOAT32, 2) for y in outputs)
            and all(each.dimensions[0] == -1 for each in types)  # un lot variable…
            and len(sides) > len(outputs)
            and min(sides) >= 1  # … d'images de taille fixe
            and (len(outputs) == 1 or sides[-1] == 1)  # une familiarité
        )
        if not known:
            raise ValueError("un réseau d'une autre forme")
        return types

    def answer(
        self, images: Sequence[bytes], *, side_px: int | None = None
    ) -> list[tuple[list[float], float | None]]:
        """Rend la sortie de chaque image, et sa familiarité, None s'il n'y en a pas.

        Args:
            images: leurs octets, dans l'ordre d'`input_shape`.
            side_px: leur côté, si ce n'est pas celui d'`input_shape`.

        Raises:
            ValueError: un appel a échoué ; ce qu'il avait réservé est rendu.
        """
        sides = (side_px, side_px) if side_px else self.input_shape[:2]
        self._input.dimensions[1], self._input.dimensions[2] = sides
        buffers = [c_void_p() for _ in [self._input, *self._outputs]]
        try:
            outputs, *scores = self._run(images, *buffers)
        finally:
            for buffer in filter(None, buffers):
                self._lib.LiteRtDestroyTensorBuffer(buffer)
        size = self.num_outputs
        rows = [outputs[i : i + size] for i in range(0, len(outputs), size)]
        return [*zip(rows, scores[0] if scores else [None] * len(rows), strict=True)]

    def _run(self, images: Sequence[bytes], x: c_void_p, *ys: c_void_p) -> list[list[float]]:
        """Crée les tampons `x` et `ys`, que l'appelant rendra, calcule, et rend chaque sortie."""
        call, pixels, address, count = self._call, b"".join(images), c_void_p(), len(images)
        self._input.dimensions[0] = count
        call(
            "LiteRtCompiledModelResizeInputTensorNonStrict",  # le côté aussi peut changer
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
        for kind, y in zip(self._outputs, ys, strict=True):
            kind.dimensions[0] = count
            size = c_size_t(4 * count * kind.dimensions[1])
            create = "LiteRtCreateManagedTensorBuffer"
            call(create, self._env, HOST_MEMORY, byref(kind), size, byref(y))
        call("LiteRtLockTensorBuffer", x, byref(address), WRITE)
        ctypes.memmove(address, pixels, len(pixels))
        call("LiteRtUnlockTensorBuffer", x)
        call(
            "LiteRtRunCompiledModel",
            self._compiled,
            c_size_t(0),
            c_size_t(1),
            byref(x),
            c_size_t(len(ys)),
            (c_void_p * len(ys))(*(y.value for y in ys)),
        )
        found = []
        for kind, y in zip(self._outputs, ys, strict=True):
            call("LiteRtLockTensorBuffer", y, byref(address), READ)
            values = (ctypes.c_float * (count * kind.dimensions[1])).from_address(address.value)
            found.append(values[:])
            call("LiteRtUnlockTensorBuffer", y)
        return found


def _release(lib: ctypes.CDLL, content: bytes | mmap.mmap, handles: dict[str, c_void_p]) -> None:
    """Rend la mémoire de ce qui a été créé ; `content`, que LiteRT lit sur place, vit jusque-là."""
    for kind, handle in handles.items():
        if handle:
            getattr(lib, f"LiteRtDestroy{kind}")(handle)


def native_engine(content: bytes | mmap.mmap, *, num_threads: int = 1) -> NativeEngine | None:
    """Rend le moteur natif, ou None quand il faut passer par l'`Interpreter`."""
    library = library_path()
    if library is None:
        return None
    try:
        return NativeEngine(library, content, num_threads=num_threads)
    except (OSError, AttributeError, ValueError):
        return None
