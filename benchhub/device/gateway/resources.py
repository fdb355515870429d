"""What gateways offer to dask: each of their devices, and themselves, by name.

They say where a call can be answered and hold nobody back: who has a device is the device's affair.
"""

from __future__ import annotations

DEVICE, GATEWAY = "device:", "gateway:"
#: More calls than this are never under way to one gateway at once.
AMOUNT = 100_000
