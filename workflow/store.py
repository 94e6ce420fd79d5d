"""Write executed notebooks to a store that papermill knows: a folder, s3://, gs://, abs://, adl://, hdfs://, https://."""

import importlib.util
from pathlib import Path

from workflow.lessons import UsageError

# What papermill needs for a store beyond itself: (module, extra of papermill).
NEEDED = {
    "s3": ("boto3", "s3"),
    "gs": ("gcsfs", "gcs"),
    "abs": ("azure.storage.blob", "azure"),
    "adl": ("azure.datalake.store", "azure"),
    "hdfs": ("pyarrow", "hdfs"),
}


def check_store(address):
    """Find out before anything runs whether papermill can write to `address`.

    Raises:
        UsageError: papermill knows no such store, or a package that the store needs is not installed.
    """
    from papermill.iorw import LocalHandler, papermill_io

    scheme, separator, _ = address.partition("://")
    if not separator:
        if Path(address).exists() and not Path(address).is_dir():
            raise UsageError(
                f"STORE={address} is a file; name a folder, or an address such as s3://bucket/course"
            )
    elif isinstance(papermill_io.get_handler(address), LocalHandler):
        raise UsageError(
            f"STORE={address}: papermill knows no store {scheme}://; it knows {', '.join(NEEDED)}"
        )
    elif scheme in NEEDED and not _is_installed(NEEDED[scheme][0]):
        module, extra = NEEDED[scheme]
        raise UsageError(f"STORE={address} needs {module}; .venv/bin/pip install 'papermill[{extra}]'")


def _is_installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it lies in
        return False


def store_notebook(path, address):
    """Write the notebook at `path` under its name below `address`; a folder is made where there is none."""
    from papermill.iorw import papermill_io

    address = address.rstrip("/")
    if "://" not in address:
        Path(address).mkdir(parents=True, exist_ok=True)
    papermill_io.write(path.read_text(encoding="utf-8"), f"{address}/{path.name}")
