"""Teacher-forced figures of step-by-step decoders."""

from tests.fakes.checkpoints import checkpoint
from tests.fakes.synthetic import melody
from trainer.evaluation.teacher_forced import forced

PHRASES = [melody(seed) for seed in range(22)]


def test_step_by_step_decoders_are_also_measured_teacher_forced() -> None:
    assert forced(checkpoint(PHRASES[:2]), PHRASES[:4]) is None
    made = checkpoint(PHRASES[:6], family="language")
    begun = forced(made, PHRASES[:6])
    learned = forced(checkpoint(PHRASES[:6], family="language", steps=25), PHRASES[:6])
    assert begun is not None
    assert learned is not None
    assert learned["bits_per_step"] < begun["bits_per_step"]
    assert learned["step_accuracy"] > begun["step_accuracy"]
    assert learned["phrases"] == 6
