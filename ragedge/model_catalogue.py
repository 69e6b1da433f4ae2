"""Small open language models worth a try on a small box: where they are, what they may be used for, their size.

A figure stands here only if it was looked up (sizes: the listing of the repository named or a text that quotes it;
licences: the model's card); what was not is None or "" and is shown as "?". Sizes are decimal megabytes as published,
rounded, and only for choosing: `pull` asks the hub for the exact size and sum. `kv_bytes` is what one token of context
takes in 16 bits: layers x 2 x key-value heads x their width x 2 bytes. Nothing is fetched here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ragedge.errors import ConfigError

_RUN_BYTES = 200_000_000  # beside weights and context: the process itself, and buffers
_SHARE = 0.7  # of the box's memory that a model may take: the rest is for documents, search and the system


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One quantization: its file in the repository; `megabytes` as published, `sha256` where it was."""

    quantization: str
    file: str
    megabytes: float | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model; the first of `files` is the one that is pulled when nobody says which."""

    name: str
    family: str
    repository: str
    licence: str
    files: tuple[CatalogueFile, ...]
    kv_bytes: int | None = None

    def file(self, quantization: str = "") -> CatalogueFile:
        """The file of a quantization, in any case of letters; "" is the first.

        Raises:
            ConfigError: it is not in the catalogue.
        """
        for entry in self.files:
            if not quantization or entry.quantization.lower() == quantization.lower():
                return entry
        known = ", ".join(entry.quantization for entry in self.files)
        hint = f"known: {known}; any other file: ragedge models pull {self.repository} FILE.gguf"
        raise ConfigError(f'the catalogue has no "{quantization}" of {self.name}', hint)


def memory_bytes(model: CatalogueModel, entry: CatalogueFile, context_tokens: int) -> int | None:
    """What running it takes: weights, context, process. None where a part of that is not known."""
    if entry.megabytes is None or model.kv_bytes is None:
        return None
    return int(entry.megabytes * 1e6) + model.kv_bytes * context_tokens + _RUN_BYTES


def is_fitting(needed_bytes: int | None, box_bytes: int) -> bool | None:
    """Whether a box of that memory has room for it beside everything else; None where either is not known."""
    return None if needed_bytes is None or box_bytes <= 0 else needed_bytes <= box_bytes * _SHARE


def find(name: str) -> CatalogueModel | None:
    """The model of that name, in any case of letters."""
    return next((model for model in CATALOGUE if model.name == name.lower()), None)


_KIB = 1024
CATALOGUE: tuple[CatalogueModel, ...] = (
    CatalogueModel(
        "smollm2-360m",
        "SmolLM",
        "bartowski/SmolLM2-360M-Instruct-GGUF",
        "apache-2.0",
        (
            CatalogueFile("Q8_0", "SmolLM2-360M-Instruct-Q8_0.gguf", 386),
            CatalogueFile("Q4_0", "SmolLM2-360M-Instruct-Q4_0.gguf", 230),
        ),
        40 * _KIB,
    ),
    CatalogueModel(
        "lfm2-350m",
        "LFM",
        "LiquidAI/LFM2-350M-GGUF",
        "lfm1.0",
        (
            CatalogueFile("Q4_K_M", "LFM2-350M-Q4_K_M.gguf", 229),
            CatalogueFile("Q4_0", "LFM2-350M-Q4_0.gguf", 219),
            CatalogueFile("Q8_0", "LFM2-350M-Q8_0.gguf", 379),
        ),
    ),
    CatalogueModel(
        "qwen2.5-0.5b",
        "Qwen",
        "bartowski/Qwen2.5-0.5B-Instruct-GGUF",
        "apache-2.0",
        (
            CatalogueFile("Q4_K_M", "Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", 398),
            CatalogueFile("Q4_K_S", "Qwen2.5-0.5B-Instruct-Q4_K_S.gguf", 385),
        ),
        12 * _KIB,
    ),
    CatalogueModel(
        "qwen3-0.6b",
        "Qwen",
        "Qwen/Qwen3-0.6B-GGUF",
        "apache-2.0",
        (CatalogueFile("Q8_0", "Qwen3-0.6B-Q8_0.gguf", 639.4),),
        112 * _KIB,
    ),
    CatalogueModel(
        "llama-3.2-1b",
        "Llama",
        "bartowski/Llama-3.2-1B-Instruct-GGUF",
        "llama3.2",
        (
            CatalogueFile(
                "Q4_K_M",
                "Llama-3.2-1B-Instruct-Q4_K_M.gguf",
                807.7,
                "6f85a640a97cf2bf5b8e764087b1e83da0fdb51d7c9fab7d0fece9385611df83",
            ),
        ),
        32 * _KIB,
    ),
    CatalogueModel(
        "gemma-3-1b",
        "Gemma",
        "lmstudio-community/gemma-3-1b-it-GGUF",
        "gemma",
        (
            CatalogueFile("Q4_K_M", "gemma-3-1b-it-Q4_K_M.gguf", 806),
            CatalogueFile("Q8_0", "gemma-3-1b-it-Q8_0.gguf", 1070),
        ),
        26 * _KIB,
    ),
    CatalogueModel(
        "lfm2-1.2b",
        "LFM",
        "LiquidAI/LFM2-1.2B-GGUF",
        "lfm1.0",
        (CatalogueFile("Q4_K_M", "LFM2-1.2B-Q4_K_M.gguf", 730.9),),
    ),
    CatalogueModel(
        "qwen2.5-1.5b",
        "Qwen",
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        "apache-2.0",
        (
            CatalogueFile(
                "Q4_K_M",
                "qwen2.5-1.5b-instruct-q4_k_m.gguf",
                None,
                "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
            ),
        ),
        28 * _KIB,
    ),
    CatalogueModel(
        "smollm2-1.7b",
        "SmolLM",
        "bartowski/SmolLM2-1.7B-Instruct-GGUF",
        "apache-2.0",
        (
            CatalogueFile("Q4_K_M", "SmolLM2-1.7B-Instruct-Q4_K_M.gguf", 1060),
            CatalogueFile("Q4_0", "SmolLM2-1.7B-Instruct-Q4_0.gguf", 994),
        ),
    ),
    CatalogueModel(
        "phi-4-mini",
        "Phi",
        "bartowski/microsoft_Phi-4-mini-instruct-GGUF",
        "mit",
        (
            CatalogueFile("Q4_K_M", "microsoft_Phi-4-mini-instruct-Q4_K_M.gguf", 2490),
            CatalogueFile("Q4_0", "microsoft_Phi-4-mini-instruct-Q4_0.gguf", 2330),
        ),
        128 * _KIB,
    ),
)
