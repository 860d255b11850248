"""Whether this computer is fit for a stage: `twobar doctor` and its calibration."""
