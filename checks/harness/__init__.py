"""The only code of ours that runs inside the sandbox, next to code of a pull request.

It is mounted there as the package `tfport_harness`, imports torch, tensorflow, transformers, numpy and itself (by relative imports), and
runs on every Python that a port of its time may need: 3.8 and later. What it sends out is believed by nobody: the trusted side knows
beforehand what has to come, and reads it as a stranger's data.
"""
