"""Texts of confined experiments at rest: encrypted, under a key that is kept outside the experiment's directory.

The columns of such a store contain what may be seen (:func:`rbsuite.store.redaction.hidden`): figures, ids, lengths. The whole records are
beside them in the table ``sealed``, one per task and one for the seed of a run, as compressed JSON under AES-256-GCM. So anyone with only
the file can read figures but no texts, and anyone who also has the key can read what was committed. Each experiment has its own key:
destroying it destroys the texts in every copy of the store.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from rbsuite.data.directory import data_directory, directory_in
from rbsuite.errors import StoreError
from rbsuite.files import sync_directory
from rbsuite.jsonable import plain
from rbsuite.store.codec import dumps, loads, squeeze, unsqueeze

KEYS_VARIABLE = "RBSUITE_KEYS"
META = "seal"
"""The entry of the table ``meta`` that names the key; a store without it has no sealed texts."""

TABLE = "CREATE TABLE sealed (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
"""Made only in confined stores. The id is a task's key, or :func:`seed_id`."""

SELECT = "SELECT id, data FROM sealed WHERE id >= ? AND id < ? ORDER BY id"

_NAME = re.compile(r"[0-9a-f]{32}")
_KEY_BYTES, _NONCE_BYTES = 32, 12


@dataclass(frozen=True, slots=True, repr=False)
class Seal:
    """Encrypts and decrypts texts.

    Attributes:
        name: the name of the key, as recorded in the store.
        key: the key.
    """

    name: str
    key: bytes

    def close(self, place: int, value: Any) -> bytes:
        """A record encrypted, for one place of one store.

        Args:
            place: the id of its row.
            value: a value that can be written as plain data.

        Raises:
            ValueError, TypeError: it cannot.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed: bytes = _cipher(self.key).encrypt(nonce, squeeze(dumps(plain(value))), self._bound(place))
        return nonce + sealed

    def open(self, place: int, data: bytes) -> Any:
        """The plain data that :meth:`close` encrypted.

        Raises:
            ValueError: it was changed, or belongs to another place.
        """
        from cryptography.exceptions import InvalidTag

        try:
            packed = _cipher(self.key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], self._bound(place))
        except (InvalidTag, TypeError) as error:
            raise ValueError("what is sealed does not fit its key or its place") from error
        return loads(unsqueeze(packed))

    def _bound(self, place: int) -> bytes:
        return f"{self.name}/{place}".encode("ascii")


def _cipher(key: bytes) -> Any:
    # Imported only when needed: most experiments are not confined.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def seed_id(run: int) -> int:
    """The id of a run's sealed seed."""
    return -1 - run


def linked(row: tuple[int, bytes]) -> tuple[Any, ...]:
    """What represents a sealed row in the chain over records."""
    place, data = row
    return "sealed", place, sha256(data).hexdigest()


def keys_directory() -> Path:
    """Where the keys are: the directory ``$RBSUITE_KEYS`` if that is set, else ``keys`` in the data directory. It need not exist."""
    return directory_in(KEYS_VARIABLE) or data_directory() / "keys"


def key_path(name: str) -> Path:
    """The file of a key.

    Raises:
        StoreError: it is not a valid key name.
    """
    if not _NAME.fullmatch(name):
        raise StoreError("the store names an invalid key.", "Restore the store from a copy.")
    return keys_directory() / f"{name}.key"


def new_seal(experiment: Path) -> Seal:
    """Make a new key, in a file that only its owner may read.

    Args:
        experiment: the directory of the store to seal, which must not contain the key: a copy of it must not include both.

    Raises:
        StoreError: the key cannot be written, or would be in the experiment's directory.
    """
    if keys_directory().resolve().is_relative_to(experiment.resolve()):
        raise StoreError(
            f"the key of private texts would be kept in the experiment itself, in {keys_directory()}.",
            f"Choose another directory with {KEYS_VARIABLE}.",
        )
    seal = Seal(secrets.token_hex(16), secrets.token_bytes(_KEY_BYTES))
    path = key_path(seal.name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, seal.key)
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_directory(path.parent)  # otherwise a power failure could leave a store without its key
    except OSError as error:
        raise StoreError(
            f"the key of private texts cannot be kept in {path.parent}: {error.strerror}.",
            f"Make it writable, or set {KEYS_VARIABLE}.",
        ) from error
    return seal


def find_seal(name: str) -> Seal | None:
    """The key with a name; ``None``: it is not on this machine.

    Raises:
        StoreError: it cannot be read, or is not a key.
    """
    path = key_path(name)
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Make it readable.") from error
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path} is not a key.", "Restore it from a copy.")
    return Seal(name, key)


def destroy(seal: Seal) -> None:
    """Remove the key of a store that contains nothing."""
    key_path(seal.name).unlink(missing_ok=True)
