import pytest

from workflow import unit_tests
from workflow.lessons import ROOT


def test_what_runs_on_every_backend_is_there():
    for path in unit_tests.ON_EVERY_BACKEND:
        assert (ROOT / path).exists(), path


def test_a_failure_on_any_backend_fails_the_whole(monkeypatch, capsys):
    monkeypatch.setattr(
        unit_tests.importlib.util, "find_spec", lambda name: None if name == "torch" else True
    )
    monkeypatch.setattr(unit_tests, "run", lambda backend, workers: 1 if backend == "jax" else 0)
    with pytest.raises(SystemExit, match="failed on jax"):
        unit_tests.main()
    assert "torch: left out, it is not installed" in capsys.readouterr().out
