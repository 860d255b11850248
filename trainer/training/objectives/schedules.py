"""How the learning rate, the weight of the KL and the share of true steps move in the course of a run."""

from math import cos, exp, pi

from trainer.settings import FitConfig

STEEP = 10.0  # of the sigmoid by which beta rises: from .7 % to 99.3 % of its way before it is stretched
LARGEST = 500.0  # exponent from which the share of true steps counts as 0
LAST = 0.02  # of the learning rate, where the cosine ends


def rate(fit: FitConfig, step: int, share: float) -> float:
    """Return the share of its learning rate that a step gets: linear warm-up, then a cosine to a fiftieth."""
    warm = min(1.0, (step + 1) / fit.warmup)
    return warm * (LAST + (1 - LAST) * 0.5 * (1 + cos(pi * min(1.0, share))))


def beta(fit: FitConfig, share: float) -> float:
    """Return the weight of the KL at a share of the run, 0..1."""
    if fit.ramp <= 0:
        return fit.beta
    if fit.anneal == "cyclical":
        share = share * fit.cycles % 1.0 if share < 1 else 1.0
    way = min(1.0, share / fit.ramp)
    if fit.anneal == "sigmoid":
        low, high = (1 / (1 + exp(-STEEP * place)) for place in (-0.5, 0.5))
        way = (1 / (1 + exp(-STEEP * (way - 0.5))) - low) / (high - low)
    return fit.beta_start + (fit.beta - fit.beta_start) * way


def true_share(fit: FitConfig, step: int) -> float:
    """Return the share of steps with the phrase's note, not the model's: k / (k + exp(step / k)), or 1."""
    k = fit.scheduled_sampling
    if not k:
        return 1.0
    return k / (k + exp(step / k)) if step / k < LARGEST else 0.0
