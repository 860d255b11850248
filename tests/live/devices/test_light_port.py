"""A port of lights: newest wins, nothing is sent twice, and it goes dark at the end."""

import threading

from live.devices.light_port import LightPort
from live.errors import PortError

HELLO, GOODBYE = bytes((0xF0, 1, 0xF7)), bytes((0xF0, 2, 0xF7))
LAMP = (0x90, 36)


class Device:
    """Takes messages, and tells when it has had some."""

    def __init__(self, *, fault: str = "") -> None:
        self.sent: list[bytes] = []
        self.closed = 0
        self._fault = fault
        self._came = threading.Condition()

    def send(self, data: bytes) -> None:
        if self._fault:
            raise PortError(self._fault)
        with self._came:
            self.sent.append(data)
            self._came.notify_all()

    def close(self, *, silently: bool = False) -> None:
        assert silently
        self.closed += 1

    def wait(self, data: bytes) -> None:
        with self._came:
            assert self._came.wait_for(lambda: data in self.sent, 10)


def lamp(value: int) -> bytes:
    return bytes((*LAMP, value))


def test_it_greets_shows_and_goes_dark() -> None:
    device, said = Device(), list[str]()
    port = LightPort(device, hello=[HELLO], goodbye=[GOODBYE], dark={LAMP: lamp(0)}, failed=said.append)
    device.wait(lamp(0))
    for value in (5, 5, 7):
        port.show({LAMP: lamp(value)})
    device.wait(lamp(7))
    port.close()
    port.close()
    assert device.sent[0] == HELLO
    assert device.sent[-2:] == [lamp(0), GOODBYE]
    assert device.sent.count(lamp(5)) <= 1
    assert (device.closed, said) == (1, [])


def test_a_device_that_takes_no_more_is_said_once() -> None:
    said = list[str]()
    device = Device(fault="the cable is out")
    port = LightPort(device, hello=[HELLO], goodbye=[], dark={}, failed=said.append)
    port._thread.join(10)
    assert port.lost
    port.show({LAMP: lamp(1)})
    port.close()
    assert said == ["the cable is out"]
