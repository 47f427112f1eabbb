"""Only what pyproject.toml cannot say: the folder `conversion/` is installed as `levit_mobile.conversion`.

A top-level package of that name would hide, or be hidden by, a user's own `conversion.py`.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["levit_mobile*"]), "levit_mobile.conversion"],
    package_dir={"levit_mobile.conversion": "conversion"},
)
