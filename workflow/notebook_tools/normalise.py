"""Take out of an executed notebook what another run, machine or editor would write differently."""

import nbformat

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def normalise(notebook):
    """A copy of an executed notebook in the form that is committed.

    Metadata hold kernel, language and cell tags alone; execution counts run from 1; pieces of one stream, which a
    kernel cuts where its clock falls, are joined.
    """
    cells, count = [], 0
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != "injected-parameters"]
        new = {
            "cell_type": cell.cell_type,
            "id": cell["id"],
            "metadata": {"tags": tags} if tags else {},
            "source": cell.source,
        }
        if cell.cell_type == "code":
            count += 1
            new |= {"execution_count": count, "outputs": _outputs(cell.outputs, count)}
        cells.append(nbformat.from_dict(new))
    metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    result = nbformat.v4.new_notebook(cells=cells, metadata=metadata, nbformat_minor=5)
    nbformat.validate(result)
    return result


def notebook_text(notebook):
    """The bytes of a notebook file, keys sorted, as text."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def _outputs(outputs, count):
    joined = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last["text"] += output.text
            continue
        output = nbformat.from_dict(output)
        if output.output_type == "execute_result":
            output["execution_count"] = count
        joined.append(output)
    return joined
