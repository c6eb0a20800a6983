"""The manifest holds only what napari will find; `npe2 validate` misses most of this."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from npe2 import PluginManifest
from npe2.manifest.contributions import ContributionPoints

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "src" / "napari_lazyvos" / "napari.yaml"
CONTENT = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
CONTRIBUTIONS = CONTENT["contributions"]
COMMANDS = {command["id"]: command for command in CONTRIBUTIONS["commands"]}

# napari accepts this kind, and never reads it.
IGNORED_BY_NAPARI = {"keybindings"}


def items_of(kind: str) -> list[dict[str, object]]:
    items = CONTRIBUTIONS.get(kind, [])
    return [item for menu in items.values() for item in menu] if isinstance(items, dict) else items


def test_npe2_accepts_it():
    subprocess.run([sys.executable, "-m", "npe2", "validate", MANIFEST], check=True)


def test_it_is_the_installed_plugin():
    installed = PluginManifest.from_distribution("napari-lazyvos")
    assert installed.name == distribution("napari-lazyvos").name == CONTENT["name"]
    assert {command.id for command in installed.contributions.commands} == COMMANDS.keys()


def test_link_at_the_top_leads_to_it():
    link = ROOT / "napari.yaml"
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert link.resolve() == MANIFEST


def test_it_has_known_keys_only():
    assert CONTENT.keys() <= PluginManifest.model_fields.keys()
    assert CONTRIBUTIONS.keys() <= ContributionPoints.model_fields.keys() - IGNORED_BY_NAPARI


@pytest.mark.parametrize("kind", sorted(CONTRIBUTIONS.keys() - {"configurations"}))
def test_contributions_have_known_keys_only(kind):
    for item in items_of(kind):
        known = set().union(*(model.model_fields for model in models_of(kind)))
        assert item.keys() <= known


def models_of(kind: str) -> list[type]:
    """Return npe2's models of a kind of contribution (a menu item is one of several)."""
    pending = [ContributionPoints.model_fields[kind].annotation]
    models = []
    while pending:
        annotation = pending.pop()
        if hasattr(annotation, "model_fields"):
            models.append(annotation)
        else:
            pending.extend(getattr(annotation, "__args__", ()))
    return models


def test_every_command_that_is_named_is_declared():
    kinds = CONTRIBUTIONS.keys() - {"commands", "configurations"}
    named = {item["command"] for kind in kinds for item in items_of(kind) if "command" in item}
    assert named == COMMANDS.keys()


def test_every_menu_is_one_that_napari_shows():
    from napari._app_model.constants import MenuId

    ours = {submenu["id"] for submenu in CONTRIBUTIONS.get("submenus", [])}
    assert CONTRIBUTIONS["menus"].keys() <= MenuId.contributables() | ours


@pytest.mark.parametrize("command", COMMANDS)
def test_every_python_name_is_there(command):
    from npe2.manifest.utils import import_python_name
    from npe2.types import PythonName

    assert callable(import_python_name(PythonName(COMMANDS[command]["python_name"])))
