"""TensorRT 10 and 11: an engine built on the device from ONNX, kept below the device's root.

Options: `device_id`; `workspace_mib`, the most scratch memory a layer may use (0: all there is).
An engine differs from build to build, since the builder times its choices: `details` records its
sha256, and a quality result belongs to that engine.
"""

from typing import Optional

import tensorrt

from benchhub.ondevice.backends import LoadOptions, check_model, installed_version, option
from benchhub.ondevice.backends.tensorrt import BACKEND
from benchhub.ondevice.backends.tensorrt.build import EngineRequest, typing_for
from benchhub.ondevice.backends.tensorrt.cuda_driver import CudaDriver
from benchhub.ondevice.backends.tensorrt.loading import open_engine
from benchhub.ondevice.backends.tensorrt.session import EngineSession


def version() -> str:
    """Return the version of TensorRT; a Jetson's comes with no distribution to ask."""
    return installed_version(BACKEND) or str(tensorrt.__version__)


def load(path: Optional[str], options: LoadOptions) -> EngineSession:
    """Open an ONNX file as an engine for the launch's batch, building it if none was kept."""
    path = check_model(BACKEND, path, options)
    typing_for(tensorrt, options.precision)  # refuses before a GPU is touched
    cuda = CudaDriver(option(BACKEND, "device_id", options))
    request = EngineRequest(
        options.precision, options.batch, option(BACKEND, "workspace_mib", options)
    )
    session = open_engine(tensorrt, cuda, path, request)
    session.details = {**session.details, "threads_at_once": options.concurrency}
    return session
