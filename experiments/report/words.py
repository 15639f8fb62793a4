"""What the page's scripts say: texts whose values come when somebody moves a slider."""

from experiments.engine.texts import Text, say

#: By the name that the scripts use.
WORDS: dict[str, Text] = {
    "play": say("Play"),
    "pause": say("Pause"),
    "title": say("Lockstep: what was measured"),
    "inside": say("in the picture"),
    "outside": say("left the picture at step {step}"),
    "diverged": say("diverges: far away at step {step}"),
    "saturated": say("saturated"),
    "vanished": say("vanished"),
    "dead": say("dead units"),
    "identical": say("identical units"),
    "layer": say("layer {layer}"),
    "layerAxis": say("layer"),
    "std": say("std"),
    "share": say("share"),
    "step": say("step"),
    "magnitude": say("log₁₀ |gradient|"),
    "difference": say("difference"),
    "overflow": say("Some values have left the range of the numbers."),
    "arriving": say(
        "In layer {layer} of {depth}: std {std}; {small} {smallShare}, dead units {dead}, "
        "identical units {identical}."
    ),
    "lowest": say("After {step} steps {optimizer} is lowest: f = {f}."),
    "dragStart": say("Drag the ring, or click where the paths are to start."),
    "unknownName": say("{name} is not known here."),
    "notFunction": say("This is not a function of x and y alone."),
    "notRead": say("This cannot be read from character {place} on."),
    "nobody": say("No optimizer is chosen."),
}
