"""A mail server that takes everything and keeps nothing, to measure clients against.

    sink.py sink [CERTIFICATE KEY]    serves on a free port, which it prints; with STARTTLS, if it may
    sink.py raw PORT OCTETS           sends so many ready-made octets as one mail: the least it takes
    sink.py smtplib PORT FILE [CA]    sends the file as an attachment, with Python's own client
    sink.py peak COMMAND...           runs a client, with its port for PORT, and prints the most KiB
                                      of memory that it has had when it says QUIT
"""

import re
import smtplib
import socket
import ssl
import subprocess
import sys
from email.message import EmailMessage


def reply(connection, text):
    connection.sendall(text.encode() + b"\r\n")


def serve(connection, context, at_quit=lambda: None):
    """One dialogue. A read at a time, which is a command: no client here pipelines."""
    buffer = bytearray(1 << 20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reply(connection, "220 sink")
    while count := connection.recv_into(buffer):
        verb = bytes(buffer[:4]).upper()
        if verb == b"EHLO":
            offers = context and not isinstance(connection, ssl.SSLSocket)
            reply(connection, "250-sink\r\n250 STARTTLS" if offers else "250 sink")
        elif verb == b"STAR":
            reply(connection, "220 go on")
            connection = context.wrap_socket(connection, server_side=True)
        elif verb == b"DATA":
            reply(connection, "354 go on")
            tail = b"\r\n"
            while not tail.endswith(b"\r\n.\r\n") and (count := connection.recv_into(buffer)):
                tail = (tail + bytes(buffer[max(0, count - 5):count]))[-5:]
            reply(connection, "250 taken")
        elif verb == b"QUIT":
            at_quit()
            reply(connection, "221 bye")
            break
        else:
            reply(connection, "250 ok")
    connection.close()


def sink(*files):
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        try:
            serve(connection, context)
        except OSError as error:
            print(f"sink: {error}", file=sys.stderr)


def raw(port, octets):
    mail = b"x" * 76 + b"\r\n"
    mail *= int(octets) // len(mail)
    connection = socket.create_connection(("127.0.0.1", int(port)))
    for line in [b"EHLO me", b"MAIL FROM:<a@b>", b"RCPT TO:<x@y>", b"DATA", mail + b".", b"QUIT"]:
        connection.recv(4096)
        connection.sendall(line + b"\r\n")
    connection.recv(4096)


def with_smtplib(port, path, ca_file=None):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.example", "x@y.example", "a file"
    message.set_content("Here it is.")
    with open(path, "rb") as file:
        message.add_attachment(file.read(), "application", "octet-stream", filename="file")
    with smtplib.SMTP("localhost", int(port)) as client:
        if ca_file:
            client.starttls(context=ssl.create_default_context(cafile=ca_file))
        client.send_message(message)


def peak(*command):
    listener = socket.create_server(("127.0.0.1", 0))
    port = str(listener.getsockname()[1])
    client = subprocess.Popen([port if word == "PORT" else word for word in command])

    def tell():
        with open(f"/proc/{client.pid}/status") as status:
            print(re.search(r"VmHWM:\s*(\d+)", status.read())[1])

    serve(listener.accept()[0], None, tell)
    client.wait()


{"sink": sink, "raw": raw, "smtplib": with_smtplib, "peak": peak}[sys.argv[1]](*sys.argv[2:])
