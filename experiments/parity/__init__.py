"""How far the twins are apart, measured in twenty seconds for the report.

twins   every pair of the registry, its defaults or all its cases, in units in the last place
drift   a training in float32 beside itself in float64, and beside torch's
run     both, and the conventions that differ, as one file

What ``parity_tests`` prove over all cases and a thousand steps is here a look at each.
"""
