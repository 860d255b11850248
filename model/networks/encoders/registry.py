"""Which encoder a configuration names; only that one's file is imported.

Tested in tests/model/networks/encoders/test_base.py.
"""

from importlib import import_module

from model.config import EncoderConfig, known
from model.errors import ConfigError
from model.networks.encoders.base import Encoder
from model.networks.sizes import Sizes

MODULES = {
    "patch": ("model.networks.encoders.patch", "PatchEncoder"),
    "conv": ("model.networks.encoders.conv", "ConvEncoder"),
    "bands": ("model.networks.encoders.bands", "BandEncoder"),
    "rnn": ("model.networks.encoders.recurrent", "RecurrentEncoder"),
    "gru": ("model.networks.encoders.recurrent", "RecurrentEncoder"),
    "lstm": ("model.networks.encoders.recurrent", "RecurrentEncoder"),
    "cnn": ("model.networks.encoders.cnn", "CnnEncoder"),
    "transformer": ("model.networks.encoders.transformer", "TransformerEncoder"),
    "parts": ("model.networks.encoders.parts", "PartsEncoder"),
}


def build_encoder(config: EncoderConfig, sizes: Sizes) -> Encoder:
    """Return the encoder that the configuration names; each is made with (config, sizes).

    Raises:
        ConfigError: there is no such encoder, it does not fit the codec, or its heads do not divide
            its width.
    """
    known("model.encoder", "kind", config.kind, MODULES)
    if config.width % config.heads:
        raise ConfigError(f"model.encoder: heads {config.heads} do not divide width {config.width}")
    module, name = MODULES[config.kind]
    encoder = getattr(import_module(module), name)(config, sizes)
    assert isinstance(encoder, Encoder)
    return encoder
