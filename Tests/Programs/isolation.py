# SPDX-License-Identifier: Apache-2.0
"""Namespaces of one's own: every port is free there, ./var is empty and stays as it was, and no process outlives them."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "LETTERHOUSE_ISOLATED"


def isolate():
    """Runs the program again within the namespaces, where this returns."""
    if MARK not in os.environ:
        (ROOT / "var").mkdir(exist_ok=True)
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        os.environ[MARK] = "yes"
        os.execvp("unshare", ["unshare", *user, *namespaces, sys.executable, *sys.argv])
    del os.environ[MARK]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(ROOT / "var")], check=True)


def with_mail_servers():
    """Puts what Packaging/install-packages has unpacked into its places, with the users that it needs; call it isolated.

    What is written to /etc, /usr and /var is gone with the namespace.
    """
    unpacked = ROOT / ".build/unpacked"
    layers = pathlib.Path("/mnt")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", layers], check=True)
    for name in ("etc", "usr", "var"):
        upper, work = layers / name / "upper", layers / name / "work"
        upper.mkdir(parents=True)
        work.mkdir()
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir={unpacked}/{name}:/{name},upperdir={upper},workdir={work}",
                        "overlay", f"/{name}"], check=True)
    for number, name in enumerate(["postfix", "postdrop", "Debian-exim"]):
        with open("/etc/passwd", "a") as users, open("/etc/group", "a") as groups:
            users.write(f"{name}:x:{64900 + number}:{64900 + number}::/nonexistent:/usr/sbin/nologin\n")
            groups.write(f"{name}:x:{64900 + number}:\n")
