"""What a DUMP payload says of itself: the type, its encoding, the RDB version."""

# The characters of a module type's name, in the order of their 6-bit codes.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MODULE = 7

POLYNOMIAL = 0x95AC9329AC4BC9B5  # 0xad93d23594c935a9 with its bits the other way round


def table():
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        rows.append(byte)
    return rows


TABLE = table()


def checksum(data):
    """CRC64 as the servers count it (Jones); a few MB a second."""
    crc, rows = 0, TABLE
    for byte in data:
        crc = rows[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc


def signed(payload, version):
    """The payload with a footer of this RDB version and its checksum."""
    body = payload[:-10] + version.to_bytes(2, "little")
    return body + checksum(body).to_bytes(8, "little")


def version(payload):
    """The RDB version in the footer."""
    return int.from_bytes(payload[-10:-8], "little")


def module_type(payload):
    """Name and encoding version of a module value, or None for a value of the server's own."""
    if payload[0] != MODULE or payload[1] != 0x81:
        return None
    number = int.from_bytes(payload[2:10], "big")
    name = "".join(ALPHABET[number >> (10 + 6 * place) & 63] for place in reversed(range(9)))
    return name, number & 1023
