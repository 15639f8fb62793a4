"""One step of training: the chapter's network, its batch of 128, Adam, float32."""

from collections.abc import Iterator

from experiments.bench.goals import TRAINING_STEP
from experiments.bench.section import Bench, Comparison
from experiments.bench.training import eager_step, graph_step, scratch_step, twin_step
from experiments.engine.texts import say
from torch_ref.graph import has_graphs

TITLE = say("A training step, 784-100-100-100-100-10, batch 128, float32, Adam")
THREADED = True


def measure(bench: Bench) -> Iterator[Comparison]:
    """Ours and the twin, against torch as its users write it and as it compiles that."""
    scale, device = bench.scale, bench.device
    ours = {"scratch": scratch_step(scale), "torch_ref": twin_step(scale, device)}
    if has_graphs(device):
        ours[f"torch_ref, {say('CUDA graph')}"] = graph_step(scale, device)
    others = {say("torch eager"): eager_step(scale, device)}
    if scale.compile and bench.threads == 1:  # it compiles for the threads of its first call
        others["torch.compile"] = eager_step(scale, device, compiled=True)
    yield from bench.against(ours, others, {("scratch", "torch eager"): TRAINING_STEP})
    if not scale.compile and bench.threads == 1:
        yield Comparison("scratch", "torch.compile", None, skipped="not measured with --quick")
