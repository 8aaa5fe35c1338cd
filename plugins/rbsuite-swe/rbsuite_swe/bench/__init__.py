"""swe-bench: the user's data, images by podman or docker, predictions in the harness's format."""
