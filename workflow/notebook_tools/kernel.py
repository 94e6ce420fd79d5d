"""The kernel of every headless run: this very interpreter, in an environment that makes outputs repeatable."""

import os
import subprocess

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

SETTINGS = {
    "CNNLIB_PROGRESS": "plain",
    "CNNLIB_WIDGETS": "0",  # also where the run was started from a notebook that somebody has open
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # A debugger's warning about frozen modules would go to stderr.
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
# Set by some machines for scripts; in a kernel it would keep figures out of the notebook.
UNWANTED = ("MPLBACKEND",)


def environment():
    """Environment variables for a process that starts kernels."""
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    return {**kept, **SETTINGS}


class ThisInterpreter(AsyncKernelManager):
    """Starts the interpreter that runs this code, whatever kernel a user has installed as `python3`.

    Hand it to papermill as `kernel_manager_class=ThisInterpreter`. `peak_bytes` is the peak memory of the kernel
    that was shut down last, where the system tells it, else None.
    """

    peak_bytes = None

    @property
    def kernel_spec(self):
        return KernelSpec(**get_kernel_dict())  # its command begins with sys.executable

    async def _async_start_kernel(self, **options):
        # Its own log goes nowhere, as under nbval; what code writes to stderr reaches the notebook all the same.
        await super()._async_start_kernel(**{"env": environment(), "stderr": subprocess.DEVNULL, **options})

    start_kernel = _async_start_kernel

    async def _async_shutdown_kernel(self, *arguments, **options):
        if self.provisioner is not None:
            ThisInterpreter.peak_bytes = _peak_memory(getattr(self.provisioner, "pid", None))
        await super()._async_shutdown_kernel(*arguments, **options)

    shutdown_kernel = _async_shutdown_kernel


def _peak_memory(process):
    """Peak resident bytes of a living process on Linux, else None."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
            lines = [line for line in file if line.startswith("VmHWM:")]
    except OSError:
        return None
    return int(lines[0].split()[1]) * 1024 if lines else None
