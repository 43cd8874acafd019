"""What every test gets: settings of its own instead of those of the person who runs it."""

import pytest
from hypothesis import settings

# A machine that does something else meanwhile is no defect of ours.
settings.register_profile("wherry", deadline=None)
settings.load_profile("wherry")


@pytest.fixture(autouse=True)
def _private_settings(tmp_path_factory, monkeypatch):
    """Kernels under test must neither read nor write the profile of the person who runs them."""
    home = tmp_path_factory.mktemp("settings", numbered=True)
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    monkeypatch.setenv("MPLCONFIGDIR", str(home.parent / "matplotlib"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
