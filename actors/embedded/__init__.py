"""The real servers Turntone needs, run from wheels and jars: no container, no root, nothing to install apart."""
