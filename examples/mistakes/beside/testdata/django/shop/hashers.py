"""Django's own hasher, counted."""
import threading

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Counted(PBKDF2PasswordHasher):
    iterations = 1000
    count = 0
    meet = None  # a threading.Barrier: each hash waits in it for the others

    def encode(self, password, salt, iterations=None):
        Counted.count += 1
        if Counted.meet is not None:
            try:
                Counted.meet.wait()
            except threading.BrokenBarrierError:
                pass
        return super().encode(password, salt, iterations)
