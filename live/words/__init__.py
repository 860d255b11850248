"""Words for the instrument: "sparser, a bit darker, like B but higher" as turns of knobs."""
