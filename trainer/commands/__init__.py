"""The commands of `twobar-train`, a file each; what they need of numpy and torch they load when they run."""
