"""Which decoder a configuration names; only that one's file is imported.

Tested in tests/model/networks/decoders/test_base.py.
"""

from importlib import import_module

from model.config import AT_ONCE, DecoderConfig, known
from model.errors import ConfigError
from model.networks.decoders.base import AutoregressiveDecoder, ParallelDecoder
from model.networks.sizes import Sizes

MODULES = {
    "patch": ("model.networks.decoders.patch", "PatchDecoder"),
    "bands": ("model.networks.decoders.bands", "BandDecoder"),
    "parts": ("model.networks.decoders.parts", "PartsDecoder"),
    "cnn": ("model.networks.decoders.cnn", "CnnDecoder"),
    "tracks": ("model.networks.decoders.tracks", "TracksDecoder"),
    "rnn": ("model.networks.decoders.flat", "FlatDecoder"),
    "gru": ("model.networks.decoders.flat", "FlatDecoder"),
    "lstm": ("model.networks.decoders.flat", "FlatDecoder"),
    "hierarchical": ("model.networks.decoders.hierarchical", "HierarchicalDecoder"),
    "transformer": ("model.networks.decoders.transformer", "TransformerDecoder"),
    "attention": ("model.networks.decoders.attention", "AttentionDecoder"),
}


def build_decoder(config: DecoderConfig, sizes: Sizes) -> ParallelDecoder | AutoregressiveDecoder:
    """Return the decoder that the configuration names; each is made with (config, sizes).

    Raises:
        ConfigError: there is no such decoder, it does not fit the codec or the bottleneck, or its heads do
            not divide its width.
    """
    known("model.decoder", "kind", config.kind, MODULES)
    if config.width % config.heads:
        raise ConfigError(f"model.decoder: heads {config.heads} do not divide width {config.width}")
    if config.kind in AT_ONCE and not sizes.latent:
        raise ConfigError(f"model.decoder: kind '{config.kind}' writes all at once and needs a latent")
    module, name = MODULES[config.kind]
    decoder = getattr(import_module(module), name)(config, sizes)
    assert isinstance(decoder, ParallelDecoder | AutoregressiveDecoder)
    return decoder
