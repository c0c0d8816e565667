"""A service with a certificate of its own."""

import contextlib
import http.client
import socket
import ssl
from urllib.parse import urlsplit

import pytest
import requests

from edge_runtime.cli import main
from edge_runtime.server.healthy import is_healthy
from edge_runtime.server.prompt import MOST_OF_ONE


def test_https_is_served_with_a_certificate_of_ones_own(served, tmp_path, until):
    cert, key = certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text("a-token-that-nobody-guesses")
    _, address = served("--tls-cert", str(cert), "--tls-key", str(key), "--token-file", str(token))
    assert address.startswith("https://127.0.0.1:")
    answer = requests.post(f"{address}login", data=token.read_text(), verify=str(cert), timeout=30)
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("https", [False, True])
def test_a_container_asks_a_service_whether_it_lives_however_it_is_served(served, tmp_path, https):
    cert, key = certificate(tmp_path)
    process, address = served(*(["--tls-cert", str(cert), "--tls-key", str(key)] if https else []))
    port = urlsplit(address).port
    assert is_healthy(port)
    process.kill()
    process.wait()
    assert not is_healthy(port)


def test_who_never_shakes_hands_takes_no_more_places_than_another(served, tmp_path):
    """asyncio waits a minute for each: a thousand of them took all files that a service may have open, and a log of 40 MB."""
    cert, key = certificate(tmp_path)
    _, address = served("--tls-cert", str(cert), "--tls-key", str(key))
    place = "127.0.0.1", urlsplit(address).port
    with contextlib.ExitStack() as opened:
        for _ in range(MOST_OF_ONE):
            opened.enter_context(socket.create_connection(place))
        one_more = opened.enter_context(socket.create_connection(place, timeout=10))
        with contextlib.suppress(ConnectionResetError):
            assert one_more.recv(1) == b""
        context = ssl.create_default_context(cafile=str(cert))
        other = http.client.HTTPSConnection(*place, timeout=30, context=context, source_address=("127.0.0.2", 0))
        other.request("GET", "/healthz")
        assert other.getresponse().status == 200
        other.close()


def test_a_key_that_asks_for_a_password_is_one_sentence(device, frames, tmp_path, capsys):
    from cryptography.hazmat.primitives import serialization

    cert, key = certificate(tmp_path)
    open_one = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"a password")
    key.write_bytes(open_one.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    options = ["--releases", str(device.releases), "--port", "0", "--tls-cert", str(cert), "--tls-key", str(key)]
    assert main(["serve", frames, *options]) == 1
    assert "name PEM files, the key without a password" in capsys.readouterr().err


def certificate(folder):
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a Pi")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(encoding))
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, pem, serialization.NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"
