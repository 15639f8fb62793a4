"""What the page's scripts say: texts whose values come when somebody moves a slider."""

from experiments.report.texts import Text, korean_of

_TEMPLATES = {
    "dark": "Dark",
    "light": "Light",
    "play": "Play",
    "pause": "Pause",
    "title": "Lockstep: what was measured",
    "inside": "in the picture",
    "outside": "left the picture at step {step}",
    "diverged": "diverges: far away at step {step}",
    "saturated": "saturated",
    "zero": "zero",
    "vanished": "vanished",
    "dead": "dead units",
    "identical": "identical units",
    "layer": "layer {layer}",
    "layerAxis": "layer",
    "std": "std",
    "share": "share",
    "step": "step",
    "magnitude": "log₁₀ |gradient|",
    "arriving": (
        "In layer {layer} of {depth}: std {std}; {small} {smallShare}, dead units {dead}, "
        "identical units {identical}."
    ),
    "arrives": "{optimizer}: after {step} steps at ({x}, {y}), {state}.",
    "nobody": "No optimizer is chosen.",
}

#: By the name that the scripts use.
WORDS: dict[str, Text] = {
    name: Text(template, korean_of(template)) for name, template in _TEMPLATES.items()
}
