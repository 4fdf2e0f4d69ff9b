"""Servers in containers, where Docker really works."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.servers.base import NotAvailable


def require_docker() -> None:
    """Raise unless a Docker daemon answers: the client alone is installed on many machines."""
    if shutil.which("docker") is None:
        raise NotAvailable("no docker command")
    try:
        answer = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotAvailable("the Docker daemon does not answer") from None
    if answer.returncode != 0:
        raise NotAvailable("no Docker daemon is running")


def start_container(
    image: str, port: int, environment: Mapping[str, str] | None = None
) -> tuple[Any, str, int]:
    """Start ``image``; the container, its host, and the host's side of ``port``."""
    require_docker()
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(image).with_exposed_ports(port)
    for name, value in (environment or {}).items():
        container = container.with_env(name, value)
    try:
        container.start()
        return container, container.get_container_host_ip(), int(container.get_exposed_port(port))
    except Exception as error:
        raise NotAvailable(f"the container {image} does not start: {error}") from error
