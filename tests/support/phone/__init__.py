"""A phone of the test suite's own: it speaks the adb protocol on loopback, and a folder is all that it is made of.

`phones.Phone` is the phone, `phones.AdbServer` is a real adb server on a port and in a home folder of its own.
"""
