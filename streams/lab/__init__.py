"""The laboratory: simulated traffic, evaluations against known truth, the demo, benchmarks.

Only `streams.cli` imports it, and each command imports what it needs when it runs: no worker
carries any of it. Charts are drawn by matplotlib, progress bars by rich, distributions by numpy.
What is still written by hand, and why:

- `simulator.draws` and `simulator.ids`: draws of numpy, arranged so that traffic is the same byte
  for byte for a seed. Every purpose has a generator of its own, so that one more draw for one
  purpose never shifts another; ids follow from their number alone, by SplitMix64 over columns.
  Faker and its like make one value at a time, and other values with every release.
- `simulator.paying_worlds`: each world knows the true chance of everybody to pay, given only what
  can be known. That takes finite sums over what people may be, or a forward and a backward pass;
  frameworks for simulation give draws, not likelihoods. Its normal and Poisson quantiles are part
  of the definition of the worlds: those of another library would be other worlds.
- `simulator.credit_worlds.true_shares`: exact Shapley values of all channels for thousands of
  installs at once. `shap` explains fitted models, and samples.
- `simulator.drafts.apple_signatures`: `cryptography` signs; only Apple's way to serialise what is
  signed is ours.
- `evaluation`: normalised entropy, decile MAPE, normalised Gini and calibration over bins of equal
  mass, with NaN where nothing can be said; neither River nor scikit-learn has them.
- `bench.programs`: CPU time and the owner of a port are two files of /proc. psutil would be a
  dependency for ten lines.
"""

__all__ = ["bench", "demo", "evaluation", "simulator"]
