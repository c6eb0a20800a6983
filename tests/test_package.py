"""What is installed is what the code needs, and what the README promises is what runs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

DISTRIBUTIONS = packages_distributions()  # module to the distributions that bring it

# Declared, though no file here imports it.
NEEDED_BY_OTHERS = {"timm"}  # by segment-anything-hq, which does not declare it


def declared(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def third_party_imports() -> set[str]:
    names = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"napari_lazyvos"}


def distributions_of(module: str) -> set[str]:
    return {canonicalize_name(name) for name in DISTRIBUTIONS.get(module, [module])}


def test_every_import_is_a_declared_dependency():
    extras = PROJECT["optional-dependencies"]
    known = declared(PROJECT["dependencies"]).union(*map(declared, extras.values()))
    undeclared = {name for name in third_party_imports() if not distributions_of(name) & known}
    assert not undeclared


def test_every_dependency_is_imported():
    used = set().union(*map(distributions_of, third_party_imports()))
    assert declared(PROJECT["dependencies"]) - used <= NEEDED_BY_OTHERS


def test_no_qt_binding_is_forced_on_anyone():
    assert not declared(PROJECT["dependencies"]) & {"pyqt5", "pyqt6", "pyside6"}


def test_dependencies_are_explained():
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    explained = {canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)`", page, re.M)}
    extras = dict(PROJECT["optional-dependencies"])
    del extras["all"]  # napari's own, explained in words
    assert explained == declared(sum(extras.values(), PROJECT["dependencies"]))


def test_wheel_holds_the_manifest_and_the_licence(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"napari_lazyvos/napari.yaml", "napari_lazyvos/py.typed"} <= set(names)
    tables = ("catalogue", "thresholds")
    assert {f"napari_lazyvos/models/{name}.toml" for name in tables} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "bench", "docs")) for name in names)


def test_ci_runs_the_test_command_of_the_readme():
    command = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
    assert command.removeprefix("exec ") == "python3 start.py test"
    assert command.removeprefix("exec ") in (ROOT / "README.md").read_text(encoding="utf-8")
