"""The data sets: MNIST, which comes with Lockstep, and its relatives, which torchvision downloads.

Images stay unsigned bytes; a training loop scales a batch to [0, 1] when it draws it. Nothing here
imports torch before a data set is asked for that only torchvision has.
"""

from experiments.data.catalog import DATASETS, default_data_dir, load
from experiments.data.dataset import Dataset
from experiments.data.embedded import load_mnist
from experiments.data.errors import DataError

__all__ = ["load", "load_mnist", "Dataset", "DataError", "DATASETS", "default_data_dir"]
