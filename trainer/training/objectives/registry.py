"""From a configuration's name to its objective."""

from model.networks.vae import VAE
from trainer.settings import FitConfig
from trainer.training.objectives.base import Objective
from trainer.training.objectives.elbo import Elbo
from trainer.training.objectives.language import Language


def build(net: VAE, fit: FitConfig) -> Objective:
    """Return the objective that the settings name; `trainer.settings` has checked that they go together."""
    if fit.objective == "language":
        return Language(net, fit)
    if fit.objective == "adversarial" or fit.critic.weight:
        from trainer.training.objectives.adversarial import Adversarial, CriticTerm  # noqa: PLC0415 - most need none

        if fit.objective == "adversarial":
            return Adversarial(net, fit)
        return Elbo(net, fit, CriticTerm(net, fit))
    return Elbo(net, fit)
