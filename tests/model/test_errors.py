from model.errors import did_you_mean, nearest


def test_what_there_is_and_the_nearest_end_a_sentence() -> None:
    assert nearest("rythm", ["roll", "rhythm"]) == "there is: rhythm, roll; did you mean 'rhythm'?"
    assert nearest("zzz", ["roll"]) == "there is: roll"
    assert nearest("zzz", []) == "there is: none"


def test_case_does_not_hide_the_nearest() -> None:
    assert did_you_mean("cm7", ["Cm7", "D"]) == "; did you mean 'Cm7'?"
    assert did_you_mean("", []) == ""
