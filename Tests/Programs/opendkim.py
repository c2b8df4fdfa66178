# SPDX-License-Identifier: Apache-2.0
"""OpenDKIM's library, which its filter is made of."""
import ctypes

_library = ctypes.CDLL("libopendkim.so.11")
_handle = ctypes.c_void_p
_octets = ctypes.c_char_p

for _name, _result, *_arguments in [
        ("dkim_init", _handle, _handle, _handle),
        ("dkim_options", ctypes.c_int, _handle, ctypes.c_int, ctypes.c_int, _handle, ctypes.c_size_t),
        ("dkim_sign", _handle, _handle, _octets, _handle, _octets, _octets, _octets, ctypes.c_int, ctypes.c_int,
         ctypes.c_int, ctypes.c_ssize_t, ctypes.POINTER(ctypes.c_int)),
        ("dkim_verify", _handle, _handle, _octets, _handle, ctypes.POINTER(ctypes.c_int)),
        ("dkim_header", ctypes.c_int, _handle, _octets, ctypes.c_size_t),
        ("dkim_eoh", ctypes.c_int, _handle),
        ("dkim_body", ctypes.c_int, _handle, _octets, ctypes.c_size_t),
        ("dkim_eom", ctypes.c_int, _handle, _handle),
        ("dkim_getsighdr_d", ctypes.c_int, _handle, ctypes.c_size_t, ctypes.POINTER(_octets),
         ctypes.POINTER(ctypes.c_size_t)),
        ("dkim_free", ctypes.c_int, _handle)]:
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments

SET_OPTION, QUERY_METHOD, QUERY_INFORMATION, BY_FILE = 1, 6, 7, 1
CANONICALIZATIONS = {"simple": 0, "relaxed": 1}
ALGORITHMS = {"rsa": 1, "ed": 2}
OK, BAD_SIGNATURE = 0, 1


class Failed(Exception):
    """What OpenDKIM does not read."""


class OpenDKIM:
    def __init__(self, names):
        """`names` is a file of lines: a name, a space and its TXT record."""
        self.library = _library.dkim_init(None, None)
        method, path = ctypes.c_int(BY_FILE), ctypes.create_string_buffer(str(names).encode())
        for option, value, size in ((QUERY_METHOD, method, ctypes.sizeof(method)), (QUERY_INFORMATION, path, len(path))):
            status = _library.dkim_options(self.library, SET_OPTION, option, ctypes.byref(value), size)
            assert status == OK, status

    def feed(self, message, octets):
        """Reads a message; the status at its end."""
        header, _, body = octets.partition(b"\r\n\r\n")
        # A message may end with its header.
        header = header.removesuffix(b"\r\n")
        fields = header.replace(b"\r\n ", b"\0 ").replace(b"\r\n\t", b"\0\t").split(b"\r\n")
        for field in fields:
            field = field.replace(b"\0", b"\r\n")
            if (status := _library.dkim_header(message, field, len(field))) != OK:
                raise Failed(f"status {status} for {field!r}")
        if (status := _library.dkim_eoh(message)) != OK:
            raise Failed(f"status {status} for the header")
        if body and (status := _library.dkim_body(message, body, len(body))) != OK:
            raise Failed(f"status {status} for the body")
        return _library.dkim_eom(message, None)

    def sign(self, octets, mode, domain, selector, key):
        """A signature's field, with its line end; `key` is PEM."""
        header, body, algorithm = mode
        status = ctypes.c_int()
        message = _library.dkim_sign(self.library, b"a message", None, key, selector, domain, CANONICALIZATIONS[header],
                                     CANONICALIZATIONS[body], ALGORITHMS[algorithm], -1, ctypes.byref(status))
        assert message, f"status {status.value} for the key"
        try:
            if (end := self.feed(message, octets)) != OK:
                raise Failed(f"status {end} at the end")
            value, length = _octets(), ctypes.c_size_t()
            # Lines are folded behind the field's name.
            end = _library.dkim_getsighdr_d(message, len("DKIM-Signature: "), ctypes.byref(value), ctypes.byref(length))
            assert end == OK, end
            return b"DKIM-Signature: " + value.value[:length.value].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
        finally:
            _library.dkim_free(message)

    def verify(self, octets):
        """Whether the signature of a message holds."""
        status = ctypes.c_int()
        message = _library.dkim_verify(self.library, b"a message", None, ctypes.byref(status))
        assert message, status.value
        try:
            return self.feed(message, octets) == OK
        finally:
            _library.dkim_free(message)
